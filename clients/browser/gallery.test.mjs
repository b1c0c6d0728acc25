// Looks at every page in every state, as a test of the server wrote them to target/gallery (`run` starts that test).
//
// Each state in light and dark, on a phone and on a desk: axe-core finds nothing, the Content-Security-Policy refuses
// nothing, nothing scrolls sideways. Pictures for people to look at go to target/gallery/pictures.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, extname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";

const root = resolve(import.meta.dirname, "../..");
const gallery = join(root, "target/gallery");
const assets = join(root, "crates/server/static");
const pictures = join(gallery, "pictures");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const policy = readFileSync(join(gallery, "content-security-policy.txt"), "utf8");
const states = readdirSync(gallery).flatMap((file) => (extname(file) === ".html" ? [basename(file, ".html")] : []));

const types = { ".css": "text/css", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const phone = { width: 390, height: 844 };
const desk = { width: 1280, height: 900 };
const views = {
  "phone-light": { ...phone, colorScheme: "light" },
  "phone-dark": { ...phone, colorScheme: "dark" },
  "desk-light": { ...desk, colorScheme: "light" },
  "desk-dark": { ...desk, colorScheme: "dark" },
};
let chromium, server, origin;

function answer(request, response) {
  const path = new URL(request.url, "http://gallery").pathname;
  const file = path.startsWith("/static/") ? join(assets, path.slice("/static/".length)) : join(gallery, basename(path));
  try {
    const content = readFileSync(file);
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    if (extname(file) === ".html") response.setHeader("content-security-policy", policy);
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

// What is wrong with a state.
async function look(state) {
  const page = await chromium.browser.newPage({ reducedMotion: "reduce" });
  const faults = [];
  page.on("console", (message) => faults.push(message.text()));
  page.on("response", (response) => response.ok() || faults.push(`${response.url()} answered ${response.status()}`));
  await page.goto(`${origin}/${state}.html`);
  await page.evaluate(() => document.fonts.ready);

  for (const [view, { colorScheme, ...size }] of Object.entries(views)) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(size);
    await page.screenshot({ path: join(pictures, `${state}-${view}.png`), fullPage: true });
  }

  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await page.evaluate(axe);
  for (const [view, { colorScheme, ...size }] of Object.entries(views)) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(size);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    faults.push(...violations.map(({ id, help, nodes }) => `${view}: ${id}: ${help}: ${nodes.map((node) => node.target)}`));
  }

  // WCAG 2.2, 1.4.10: no scrolling sideways, down to 320 px
  for (const width of [1280, 390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (overflow > 0) faults.push(`${overflow} px wider than a window of ${width} px`);
  }
  await page.close();
  return faults;
}

before(async () => {
  mkdirSync(pictures, { recursive: true });
  chromium = await openBrowser();
  server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  server.close();
  await chromium.close();
});

test("the gallery has pages", () => assert.ok(states.length > 0));
for (const state of states) {
  test(`${state}, light and dark, on a phone and on a desk`, async () => assert.deepEqual(await look(state), []));
}
