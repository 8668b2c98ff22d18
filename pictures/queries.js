// Asks Prometheus what Grafana would ask it for a panel, and gives the answer Grafana's form.

import { applyFieldOverrides, FieldType, renderLegendFormat, toDataFrame } from "@grafana/data";

const SCRAPED_EVERY_S = 1; // by the demo's Prometheus
const POINTS = 600; // of a panel, at most

export class Prometheus {
  // from, to: seconds since the epoch.
  constructor(address, from, to) {
    Object.assign(this, { address, from, to });
    this.step = Math.max(SCRAPED_EVERY_S, Math.ceil((to - from) / POINTS));
  }

  // A panel's answers as data frames, dressed by the panel's settings.
  async frames(panel, theme) {
    // What Grafana chooses for a kind of panel where a board says nothing.
    const mode = panel.type === "timeseries" ? "palette-classic" : "thresholds";
    const config = { color: { mode }, ...panel.fieldConfig.defaults };
    const made = panel.targets.map((target) =>
      target.format === "table" ? this.#table(target, config) : this.#lines(target, config),
    );
    return applyFieldOverrides({
      data: (await Promise.all(made)).flat(),
      fieldConfig: { defaults: {}, overrides: [] },
      replaceVariables: (text) => text,
      theme,
      timeZone: "utc",
    });
  }

  async #lines(target, config) {
    const { from, to, step } = this;
    const result = await this.#ask("query_range", target, { start: from, end: to, step });
    return result.map(({ metric, values }) => {
      const numbers = values.map(([time, value]) => [time, Number(value)]);
      const at = new Map(numbers.filter(([, value]) => Number.isFinite(value)));
      const times = [];
      for (let time = from; time <= to; time += step) times.push(time);
      return toDataFrame({
        fields: [
          { name: "Time", type: FieldType.time, values: times.map((time) => time * 1000) },
          {
            name: "Value",
            type: FieldType.number,
            labels: metric,
            values: times.map((time) => at.get(time) ?? null), // a hole is no nought
            config: { ...config, displayNameFromDS: named(target, metric) },
          },
        ],
      });
    });
  }

  async #table(target, config) {
    const result = await this.#ask("query", target, { time: this.to });
    const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
    return toDataFrame({
      fields: [
        ...labels.map((label) => ({
          name: label,
          type: FieldType.string,
          values: result.map(({ metric }) => metric[label] ?? ""),
        })),
        {
          name: "Value",
          type: FieldType.number,
          values: result.map(({ value }) => Number(value[1])),
          config,
        },
      ],
    });
  }

  async #ask(what, target, parameters) {
    const query = filled(target.expr, Math.max(this.step + SCRAPED_EVERY_S, 4 * SCRAPED_EVERY_S));
    const address = `${this.address}/api/v1/${what}?${new URLSearchParams({ query, ...parameters })}`;
    const said = await (await fetch(address)).json();
    if (said.status !== "success") throw new Error(`${query}: ${said.error}`);
    return said.data.result;
  }
}

// With *All* chosen in every list at the top.
function filled(expr, rateInterval) {
  return expr
    .replaceAll('=~"$job"', '=~"vigil"')
    .replaceAll('=~"$instance"', '=~".+"')
    .replaceAll('=~"$pattern"', '=~".+"')
    .replaceAll("$__rate_interval", `${rateInterval}s`);
}

function named(target, labels) {
  if (target.legendFormat !== "__auto") return renderLegendFormat(target.legendFormat, labels);
  return Object.values(labels).join(", ") || undefined;
}
