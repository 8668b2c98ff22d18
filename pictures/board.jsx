// One board, laid out as Grafana does it and drawn with Grafana's own components and theme.

import "@fontsource/inter/latin-400.css";
import "@fontsource/inter/latin-500.css";
import { createTheme, dateTime, getFieldDisplayValues, ThemeContext } from "@grafana/data";
import { BigValue, GlobalStyles, PanelChrome, Table, TimeSeries } from "@grafana/ui";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Prometheus } from "./queries.js";

const WIDTH = 1560;
const GAP = 8;
const [COLUMNS, ROW] = [24, 30];
const theme = createTheme({ colors: { mode: "dark" } });

// The page's address says which: ?board=stream&prometheus=http://…&from=…&to=…
const asked = new URLSearchParams(location.search);
const [from, to] = [Number(asked.get("from")), Number(asked.get("to"))];
const prometheus = new Prometheus(asked.get("prometheus"), from, to);
const files = import.meta.glob("../dashboards/*.json", { import: "default" });

function Board({ board }) {
  const height = Math.max(...board.panels.map(({ gridPos }) => place(gridPos).bottom));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <main style={{ background: theme.colors.background.canvas, padding: 16, width: WIDTH + 32 }}>
        <Heading board={board} />
        <div style={{ position: "relative", height }}>
          {board.panels.map((panel) => (
            <Placed key={panel.id} panel={panel} />
          ))}
        </div>
      </main>
    </ThemeContext.Provider>
  );
}

function Heading({ board }) {
  const chosen = board.templating.list.filter(({ type }) => type === "query");
  const between = [from, to].map((at) => dateTime(at * 1000).utc().format("YYYY-MM-DD HH:mm:ss"));
  const box = {
    border: `1px solid ${theme.colors.border.medium}`,
    borderRadius: theme.shape.radius.default,
    padding: "4px 10px",
  };
  return (
    <header style={{ display: "flex", gap: 12, alignItems: "center", margin: "0 0 12px" }}>
      <h1 style={{ fontSize: 20, margin: 0, flex: 1 }}>{board.title}</h1>
      {chosen.map(({ name, label }) => (
        <span key={name} style={box}>
          <span style={{ color: theme.colors.text.secondary }}>{label}</span> All
        </span>
      ))}
      <span style={box}>{between.join(" to ")} UTC</span>
    </header>
  );
}

function place({ x, y, w, h }) {
  const column = (WIDTH + GAP) / COLUMNS;
  const [top, height] = [y * (ROW + GAP), h * (ROW + GAP) - GAP];
  return { left: x * column, top, width: w * column - GAP, height, bottom: top + height };
}

function Placed({ panel }) {
  const { bottom, ...where } = place(panel.gridPos);
  return (
    <div style={{ position: "absolute", ...where }}>
      {panel.type === "row" ? (
        <h2 style={{ fontSize: 16, lineHeight: `${ROW}px`, margin: 0 }}>⌄ {panel.title}</h2>
      ) : (
        <Panel panel={panel} width={where.width} height={where.height} />
      )}
    </div>
  );
}

function Panel({ panel, width, height }) {
  const [frames, setFrames] = useState(null);
  useEffect(() => {
    prometheus.frames(panel, theme).then(setFrames, (error) => {
      throw error;
    });
  }, [panel]);
  const Body = { timeseries: Lines, stat: Numbers, table: Rows }[panel.type];
  const padding = panel.type === "stat" ? "md" : "none";
  return (
    <PanelChrome title={panel.title} width={width} height={height} padding={padding}>
      {(width, height) =>
        frames && (
          <div data-drawn style={{ width, height }}>
            {frames.some(({ length }) => length) ? (
              <Body panel={panel} frames={frames} width={width} height={height} />
            ) : (
              <Nothing said={panel.fieldConfig.defaults.noValue} />
            )}
          </div>
        )
      }
    </PanelChrome>
  );
}

function Nothing({ said }) {
  return (
    <div style={{ display: "grid", placeItems: "center", height: "100%", opacity: 0.7 }}>
      {said ?? "No data"}
    </div>
  );
}

function Lines({ panel, frames, width, height }) {
  const [start, end] = [dateTime(from * 1000), dateTime(to * 1000)];
  return (
    <TimeSeries
      frames={frames}
      width={width}
      height={height - GAP}
      timeRange={{ from: start, to: end, raw: { from: start, to: end } }}
      timeZone="utc"
      legend={panel.options.legend}
    />
  );
}

function Numbers({ panel, frames, width, height }) {
  const { reduceOptions, graphMode, ...options } = panel.options;
  const [value] = getFieldDisplayValues({
    data: frames,
    fieldConfig: panel.fieldConfig,
    reduceOptions,
    replaceVariables: (text) => text,
    sparkline: graphMode !== "none",
    theme,
    timeZone: "utc",
  });
  return (
    <BigValue
      {...options}
      graphMode={graphMode}
      value={{ ...value.display, title: undefined }}
      sparkline={value.sparkline}
      theme={theme}
      width={width}
      height={height}
    />
  );
}

// Of the transformations the boards use `organize` alone.
function Rows({ panel, frames, width, height }) {
  const { indexByName, renameByName } = panel.transformations[0].options;
  const shown = frames[0].fields
    .filter(({ name }) => name in indexByName)
    .sort((one, other) => indexByName[one.name] - indexByName[other.name])
    .map((field) => ({ ...field, name: renameByName[field.name] }));
  return <Table data={{ ...frames[0], fields: shown }} width={width} height={height} />;
}

document.body.style.margin = 0;
await document.fonts.load("12px Inter"); // axes are made as wide as this says
const board = await files[`../dashboards/${asked.get("board")}.json`]();
window.panels = board.panels.filter(({ type }) => type !== "row").length; // to be drawn
createRoot(document.getElementById("board")).render(<Board board={board} />);
