// Looks at every page in every state: `cargo test -p countersign-server gallery` writes them to target/gallery.
//
// For each state, in light and dark, on a phone and on a desk: axe-core finds nothing, the Content-Security-Policy
// refuses nothing, nothing is wider than the window. Pictures go to target/gallery/pictures.
import { readFileSync, readdirSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, extname, join, resolve } from "node:path";
import { withBrowser } from "./browser.mjs";

const root = resolve(import.meta.dirname, "../..");
const gallery = join(root, "target/gallery");
const assets = join(root, "crates/server/static");
const pictures = join(gallery, "pictures");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const policy = readFileSync(join(gallery, "content-security-policy.txt"), "utf8");
const wanted = process.argv.slice(2);

const types = { ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const windows = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
const schemes = ["light", "dark"];

function answer(request, response) {
  const path = new URL(request.url, "http://gallery").pathname;
  try {
    if (path.startsWith("/static/")) {
      response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream");
      return response.end(readFileSync(join(assets, path.slice("/static/".length))));
    }
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("content-security-policy", policy);
    response.end(readFileSync(join(gallery, basename(path))));
  } catch {
    response.statusCode = 404;
    response.end();
  }
}

// What is wrong with one state in one window and scheme.
async function look(browser, origin, name, scheme, window) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: windows[window] });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("requestfailed", (request) => faults.push(`${request.url()} failed`));
  page.on("response", (response) => response.ok() || faults.push(`${response.url()} answered ${response.status()}`));

  await page.goto(`${origin}/${name}.html`, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(pictures, `${name}-${window}-${scheme}.png`), fullPage: true });

  // WCAG 2.2, 1.4.10: nothing scrolls sideways, down to 320 px
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  for (const width of [windows[window].width, 320]) {
    await page.setViewportSize({ ...windows[window], width });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (overflow > 0) faults.push(`${overflow} px wider than a window of ${width} px`);
  }
  await page.setViewportSize(windows[window]);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  for (const violation of violations) {
    faults.push(`axe ${violation.id}: ${violation.help}: ${violation.nodes.map((node) => node.target).join(" | ")}`);
  }
  await context.close();
  return faults.map((fault) => `${name} (${window}, ${scheme}): ${fault}`);
}

mkdirSync(pictures, { recursive: true });
const server = createServer(answer).listen(0, "127.0.0.1");
await new Promise((ready) => server.once("listening", ready));
const origin = `http://127.0.0.1:${server.address().port}`;
const names = readdirSync(gallery)
  .filter((file) => file.endsWith(".html"))
  .map((file) => file.slice(0, -".html".length))
  .filter((name) => wanted.length === 0 || wanted.includes(name));

const faults = await withBrowser(async (browser) => {
  const found = [];
  for (const name of names) {
    for (const scheme of schemes) {
      for (const window of Object.keys(windows)) found.push(...(await look(browser, origin, name, scheme, window)));
    }
  }
  return found;
});
server.close();

for (const fault of faults) console.error(fault);
console.log(`${names.length} states, ${faults.length} faults; pictures in ${pictures}`);
process.exit(faults.length === 0 && names.length > 0 ? 0 : 1);
