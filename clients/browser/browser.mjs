// The browser of these checks: Debian's chromium, or the one that COUNTERSIGN_CHROMIUM names.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const executablePath = process.env.COUNTERSIGN_CHROMIUM ?? "/usr/bin/chromium";

// Runs `work` with a browser that has a profile of its own and talks to nobody but us.
export async function withBrowser(work) {
  const profile = mkdtempSync(join(tmpdir(), "countersign-browser."));
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
      `--disk-cache-dir=${profile}`,
    ],
  });
  try {
    return await work(browser);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
