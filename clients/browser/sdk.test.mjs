// The published JavaScript SDK inside a page, as a single-page app uses it: from the page to the sign-in and back, and
// then calls from the page's own origin to ours.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";

const { hostname, port } = new URL(process.env.COUNTERSIGN_URL);
const sdk = readFileSync(createRequire(import.meta.url).resolve("purecloud-platform-client-v2/dist/web-cjs/purecloud-platform-client-v2.min.js"));
const teamDirectory = "3f0f5c1e-52f4-4d8b-9a51-7a0b6c2d9e11"; // examples/world.yaml

const page = `<!doctype html><title>Team Directory</title><p id="said">…</p><script src="/sdk.js"></script><script>
  const sdk = require("platformClient");
  const say = (text) => { document.getElementById("said").textContent = text; };
  sdk.ApiClient.instance.setGateway({ host: "${hostname}", protocol: "http", port: ${port} });
  sdk.ApiClient.instance.loginPKCEGrant("${teamDirectory}", location.origin + "/callback", { state: "42" })
    .then(({ state }) => new sdk.UsersApi().getUsersMe().then((me) => say("signed in as " + me.name + ", state " + state)))
    .catch((error) => say("not signed in: " + (error.message ?? JSON.stringify(error))));
</script>`;

let chromium, site;

before(async () => {
  chromium = await openBrowser();
  site = createServer((request, response) =>
    request.url === "/sdk.js"
      ? response.setHeader("content-type", "text/javascript").end(sdk)
      : response.setHeader("content-type", "text/html; charset=utf-8").end(page),
  );
  await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
});

after(async () => {
  site.close();
  await chromium.close();
});

test("a page with the SDK signs a user in and calls the API from its own origin", async () => {
  const window = await (await chromium.browser.newContext()).newPage();
  const faults = [];
  window.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  window.on("pageerror", (error) => faults.push(String(error)));

  // The app is registered with another port: on a loopback address any will do (RFC 8252 §7.3).
  await window.goto(`http://127.0.0.1:${site.address().port}/callback`);
  await window.getByLabel("E-mail").fill("alan@acme.test");
  await window.getByLabel("Password").fill("paper tape");
  await window.getByRole("button", { name: "Sign in" }).click();
  await window.getByText("signed in as Alan Turing, state 42").waitFor({ timeout: 15_000 });
  assert.deepEqual(faults, []);
});
