// The published oidc-client-ts inside a page, as a single-page app uses it: sign-in with code and PKCE, renewal by
// refresh token without a page, and signing out.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";

const authority = process.env.COUNTERSIGN_URL;
const { clients, users } = JSON.parse(readFileSync(process.env.COUNTERSIGN_WORLD, "utf8")).organizations.find(({ id }) => id === "initech");
const client = clients.find(({ name }) => name === "Single Page");
const library = readFileSync(createRequire(import.meta.resolve("oidc-client-ts")).resolve("../browser/oidc-client-ts.min.js"));

// Every address of the app is this page. `said` tells what became of it; the test works the rest through `app`.
const page = `<!doctype html><title>Single Page</title><p id="said">…</p><script src="/library.js"></script><script>
  const say = (text) => { document.getElementById("said").textContent = text; };
  const app = new oidc.UserManager({
    authority: "${authority}", client_id: "${client.id}", scope: "openid profile email offline_access",
    redirect_uri: location.origin + "/callback", post_logout_redirect_uri: location.origin + "/bye",
    automaticSilentRenew: false, loadUserInfo: true,
  });
  const arrived = { "/callback": () => app.signinRedirectCallback().then((user) => "signed in as " + user.profile.email),
    "/bye": () => app.signoutRedirectCallback().then(() => "signed out") }[location.pathname];
  (arrived ? arrived() : Promise.resolve("ready")).then(say, (error) => say("failed: " + error.message));
</script>`;

// The port, too, is the registered one: addresses to return to after signing out are compared as a whole.
const { origin, port } = new URL(client.redirect_uris[0]);
let chromium, site;

before(async () => {
  chromium = await openBrowser();
  site = createServer((request, response) =>
    request.url === "/library.js"
      ? response.setHeader("content-type", "text/javascript").end(library)
      : response.setHeader("content-type", "text/html; charset=utf-8").end(page),
  );
  await new Promise((listening, failed) => site.on("error", failed).listen(port, "127.0.0.1", listening));
});

after(async () => {
  site.close();
  await chromium.close();
});

const says = (window, text) => window.locator("#said", { hasText: text }).waitFor({ timeout: 15_000 });

/** A browser in which Ida has signed in to the app. */
async function signedIn() {
  const window = await (await chromium.browser.newContext()).newPage();
  await window.goto(origin);
  await says(window, "ready");
  await window.evaluate(() => void app.signinRedirect());
  await window.getByLabel("E-mail").fill(users[0].email);
  await window.getByLabel("Password").fill(users[0].password);
  await window.getByRole("button", { name: "Sign in" }).click();
  const accept = window.locator('button[name="decision"][value="accept"]');
  await accept.or(window.locator("#said", { hasText: "signed in" })).first().waitFor({ timeout: 15_000 });
  if (await accept.isVisible()) await accept.click();
  await says(window, `signed in as ${users[0].email}`);
  return window;
}

test("a page signs a person in, renews without a page, and signs out", async () => {
  const window = await signedIn();
  const [old, fresh] = await window.evaluate(async () => {
    const before = await app.getUser();
    const after = await app.signinSilent();
    return [before, after].map(({ access_token, refresh_token, profile }) => ({ access_token, refresh_token, sub: profile.sub }));
  });
  assert.ok(old.refresh_token, "without one the library would try a frame");
  assert.equal(fresh.sub, old.sub);
  assert.ok(fresh.access_token && fresh.access_token !== old.access_token);

  await window.evaluate(() => void app.signoutRedirect());
  await says(window, "signed out");
  const known = await fetch(`${authority}/oauth/userinfo`, { headers: { authorization: `Bearer ${fresh.access_token}` } });
  assert.equal(known.status, 401, "signing out ends the tokens");
  await window.evaluate(() => void app.signinRedirect());
  await window.getByLabel("Password").waitFor({ timeout: 15_000 });
});

test("an answer that nobody asked for is refused by the library", async () => {
  const window = await (await chromium.browser.newContext()).newPage();
  await window.goto(`${origin}/callback?code=stolen&state=unknown`);
  await says(window, "failed: No matching state found in storage");
});
