// Plays the demo, and takes a picture of each board as its Prometheus sees it at the end.
//
//   CHROMIUM=/usr/bin/chromium node pictures/take.mjs vigil demo --stay

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { build, preview } from "vite";

const ROOT = join(import.meta.dirname, "..");
const PICTURES = join(ROOT, "docs", "pictures");
const BUILT = join(ROOT, ".build", "pictures");
const BOARDS = readdirSync(join(ROOT, "dashboards"))
  .filter((name) => name.endsWith(".json"))
  .map((name) => basename(name, ".json"));
const CHROMIUM = {
  executablePath: process.env.CHROMIUM,
  // It has nobody to call.
  args: ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
};

// Starts the demo; resolves to the process and its Prometheus' address once it has played the day.
function played([command, ...words]) {
  const demo = spawn(command, words, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    demo.once("error", reject);
    demo.once("exit", (code) => reject(new Error(`the demo ended with ${code}`)));
    createInterface(demo.stdout).on("line", (line) => {
      console.log(line);
      const found = line.match(/^ *Prometheus +(http:\S+)/);
      if (found) resolve({ demo, address: found[1] });
    });
  });
}

// When Prometheus began to scrape, and now: whole seconds since the epoch.
async function times(address) {
  const query = "min(min_over_time(timestamp(up)[1h:1s]))";
  const said = await (await fetch(`${address}/api/v1/query?${new URLSearchParams({ query })}`)).json();
  return { from: Math.floor(said.data.result[0].value[1]), to: Math.floor(Date.now() / 1000) };
}

async function takeAll(browser, page, address) {
  await sleep(2_000); // what was last done is to be seen, too
  const { from, to } = await times(address);
  for (const board of BOARDS) {
    const tab = await browser.newPage({ viewport: { width: 1592, height: 900 } });
    const wrong = new Promise((_, reject) => tab.once("pageerror", reject));
    await tab.goto(`${page}?${new URLSearchParams({ board, prometheus: address, from, to })}`);
    const drawn = tab.waitForFunction(
      () => document.querySelectorAll("[data-drawn]").length === window.panels,
    );
    await Promise.race([drawn, wrong]);
    const picture = await tab.locator("main").screenshot();
    await sharp(picture).png({ palette: true }).toFile(join(PICTURES, `${board}.png`));
    await tab.close();
    console.log(`docs/pictures/${board}.png`);
  }
}

mkdirSync(PICTURES, { recursive: true });
const settings = { root: import.meta.dirname, logLevel: "error", esbuild: { jsx: "automatic" } };
await build({ ...settings, build: { outDir: BUILT, emptyOutDir: true, target: "esnext" } });
const server = await preview({ ...settings, build: { outDir: BUILT }, preview: { host: "127.0.0.1" } });
const browser = await chromium.launch(CHROMIUM);
const { demo, address } = await played(process.argv.slice(2));
try {
  await takeAll(browser, server.resolvedUrls.local[0], address);
} finally {
  demo.kill("SIGINT");
  await browser.close();
  await server.close();
}
