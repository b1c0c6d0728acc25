// The browser of these checks: Debian's chromium, or the one that COUNTERSIGN_CHROMIUM names.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const executablePath = process.env.COUNTERSIGN_CHROMIUM || "/usr/bin/chromium";

// A browser that has a cache of its own and talks to nobody but us.
export async function openBrowser() {
  const cache = mkdtempSync(join(tmpdir(), "countersign-browser."));
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--disk-cache-dir=${cache}`,
    ],
  });
  const close = async () => {
    await browser.close();
    rmSync(cache, { recursive: true, force: true });
  };
  return { browser, close };
}
