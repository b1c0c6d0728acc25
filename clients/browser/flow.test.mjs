// The whole way of a user through the pages, in a real browser that runs no script, against a running server with
// examples/world.yaml: sign-in, consent, approval, request, and back to the app.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, beforeEach, describe, test } from "node:test";
import { openBrowser } from "./browser.mjs";

const origin = process.env.COUNTERSIGN_URL;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// examples/world.yaml
const ada = ["ada@acme.test", "correct horse"];
const alan = ["alan@acme.test", "paper tape"];
const grace = ["grace@acme.test", "battery staple"]; // may approve apps in acme
const hedy = ["hedy@globex.test", "silver comet"]; // may approve apps in globex
const katherine = ["katherine@globex.test", "distant orbit"];
const margaret = ["margaret@acme.test", "lunar module"]; // inactive
const mary = ["mary@acme.test", "modern prometheus"];
const teamDirectory = { client_id: "3f0f5c1e-52f4-4d8b-9a51-7a0b6c2d9e11" };
const onboardingAgent = { client_id: "7c9a1d34-0b6e-4f2a-8d15-e3b2c4f6a788", client_secret: "onboarding-agent-secret" };

let chromium, app, page, faults;

// The app's own server: keeps what arrives at its redirect URI.
function startApp() {
  const arrivals = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://app");
    if (url.pathname === "/callback") arrivals.push(Object.fromEntries(url.searchParams));
    response.setHeader("content-type", "text/html").end("<title>the app</title>");
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const host = `127.0.0.1:${server.address().port}`;
      resolve({ arrivals, host, redirect_uri: `http://${host}/callback`, stop: () => server.close() });
    });
  });
}

// A browser of its own for one user: new cookies, no script.
async function newUser() {
  const context = await chromium.browser.newContext({ javaScriptEnabled: false });
  context.setDefaultTimeout(15_000);
  page = await context.newPage();
  // Chromium also reports each page with a failure status, which some of ours have on purpose.
  page.on("console", (message) => message.text().startsWith("Failed to load resource") || faults.push(message.text()));
  page.on("response", (response) => checkHeaders(response));
}

function checkHeaders(response) {
  const headers = response.headers();
  if (!response.url().startsWith(origin) || !headers["content-type"]?.startsWith("text/html")) return;
  const policy = headers["content-security-policy"] ?? "";
  if (!policy.startsWith("default-src 'none'") || !policy.includes("frame-ancestors 'none'")) faults.push(`policy: ${policy}`);
  if (headers["x-frame-options"] !== "DENY") faults.push("x-frame-options");
  if (headers["referrer-policy"] !== "no-referrer") faults.push("referrer-policy");
  if (headers["cache-control"] !== "no-store") faults.push("cache-control");
}

const base64url = (bytes) => bytes.toString("base64url");

// The app sends the browser to us; the verifier stays with it.
async function open(client, parameters = {}) {
  const verifier = base64url(randomBytes(32));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: app.redirect_uri,
    state: base64url(randomBytes(8)),
    code_challenge: base64url(createHash("sha256").update(verifier).digest()),
    code_challenge_method: "S256",
    ...parameters,
  });
  app.arrivals.length = 0;
  await page.goto(`${origin}/oauth/authorize?${query}`);
  return { verifier, state: query.get("state") };
}

async function signIn([email, password]) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const press = (name) => page.getByRole("button", { name, exact: true }).click();
const heading = () => page.getByRole("heading", { level: 1 }).innerText();

// Each page that a test stops at is one that everybody can use. axe-core needs script, so a second browser that runs it
// is shown the same page.
async function sees(title) {
  assert.equal(await heading(), title);
  const html = await page.content();
  const copy = await chromium.browser.newPage();
  await copy.route(`${origin}/copy`, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
  await copy.goto(`${origin}/copy`);
  await copy.evaluate(axe);
  const { violations } = await copy.evaluate(() => globalThis.axe.run());
  await copy.close();
  assert.deepEqual(violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target)}`), []);
}

async function atTheApp() {
  await page.waitForURL(`${app.redirect_uri}?**`).catch(async () => {
    assert.fail(`not back at the app but at ${page.url()}: ${await heading()}\n${faults.join("\n")}`);
  });
}

// What arrived at the app, once and no more.
async function arrival({ state }) {
  await atTheApp();
  assert.equal(app.arrivals.length, 1);
  const [parameters] = app.arrivals;
  assert.equal(parameters.state, state);
  assert.equal(parameters.iss, origin);
  return parameters;
}

async function redeem(client, { verifier }, { code }) {
  const credentials = client.client_secret ? client : { client_id: client.client_id };
  const reply = await fetch(`${origin}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: app.redirect_uri,
      code_verifier: verifier,
      ...credentials,
    }),
  });
  const body = await reply.json();
  assert.equal(reply.status, 200, JSON.stringify(body));
  return body;
}

// A call with both signatures: the app's scope `users`, and the permission of whoever signed in.
async function createUser({ access_token }, user) {
  const reply = await fetch(`${origin}/api/v2/users`, {
    method: "POST",
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: JSON.stringify(user),
  });
  assert.equal(reply.status, 200, await reply.text());
}

async function api(path, { access_token }) {
  const reply = await fetch(`${origin}/api/v2/${path}`, { headers: { authorization: `Bearer ${access_token}` } });
  const body = await reply.json();
  assert.equal(reply.status, 200, JSON.stringify(body));
  return body;
}
const me = (token) => api("users/me", token);

before(async () => {
  chromium = await openBrowser();
  app = await startApp();
});
after(async () => {
  app.stop();
  await chromium.close();
});
beforeEach(() => (faults = []));

describe("an app that the organization has authorized", () => {
  beforeEach(newUser);

  test("takes the user back with a code after signing in", async () => {
    const request = await open(teamDirectory, { org: "acme" });
    await sees("Sign in");
    assert.match(await page.locator("main").innerText(), /Team Directory with Acme Corp/);
    assert.match(await page.locator("main").innerText(), new RegExp(app.host));
    await signIn(ada);
    const token = await redeem(teamDirectory, request, await arrival(request));
    assert.equal((await me(token)).email, "ada@acme.test");
    assert.deepEqual(faults, []);
  });

  test("a47 asks for no password a second time in the same browser, but never answers a local app silently", async () => {
    await open(teamDirectory);
    await signIn(ada);
    await atTheApp();
    const request = await open(teamDirectory);
    await sees("Team Directory wants to act for you");
    assert.match(await page.locator("main").innerText(), /This app answers on your own computer/);
    await press("Accept");
    await arrival(request);
  });

  test("f01 gives the same answer to a wrong password, an unknown e-mail and an inactive user", async () => {
    const answers = [];
    for (const credentials of [[ada[0], "wrong"], ["nobody@acme.test", "wrong"], margaret]) {
      await open(teamDirectory);
      await signIn(credentials);
      await sees("Sign in");
      answers.push(await page.getByRole("alert").innerText());
    }
    assert.deepEqual(new Set(answers).size, 1);
    assert.match(answers[0], /did not match/);
    assert.equal(app.arrivals.length, 0);
  });

  test("f03 pauses an e-mail after too many tries and says for how long", async () => {
    await open(teamDirectory);
    for (let tries = 0; tries < 11; tries++) await signIn([mary[0], "wrong"]);
    assert.match(await page.getByRole("alert").innerText(), /Too many tries\. .* paused for \d+ (second|minute)/);
    await signIn(mary);
    assert.match(await page.getByRole("alert").innerText(), /Too many tries/);
    assert.equal(app.arrivals.length, 0);
  });
});

// In this order: what one user does is there for the next.
describe("an app that nobody has decided about", () => {
  beforeEach(newUser);
  const reason = "I start on Monday and this app sets up my desk.";

  test("lets a user ask for approval, with a reason", async () => {
    await open(onboardingAgent);
    await signIn(alan);
    await sees("Onboarding Agent needs approval");
    const text = await page.locator("main").innerText();
    assert.match(text, /An administrator of Acme Corp must approve/);
    assert.match(text, /Who can approve\s+Grace Hopper/);
    await page.getByLabel("What do you need it for?").fill(reason);
    await press("Ask for approval");
    await sees("Your request is sent");

    await open(onboardingAgent);
    await sees("Still waiting for approval");
    assert.match(await page.locator("main").innerText(), new RegExp(reason));
    assert.equal(app.arrivals.length, 0);
    assert.deepEqual(faults, []);
  });

  test("takes a user who asked back to the app with access_denied", async () => {
    const request = await open(onboardingAgent);
    await signIn(alan);
    await page.getByRole("link", { name: "Back to Onboarding Agent" }).click();
    assert.equal((await arrival(request)).error, "access_denied");
  });

  test("shows an administrator who asks for what, and goes on after approval and consent", async () => {
    const request = await open(onboardingAgent);
    await signIn(grace);
    await sees("Approve Onboarding Agent?");
    const facts = await page.getByRole("complementary").innerText();
    assert.match(facts, /Globex Corporation, another organization/);
    assert.match(facts, /1 person asked for it/);
    assert.match(facts, new RegExp(`${reason}\\s+Alan Turing`));
    assert.equal(await page.locator('input[name="scope"][value="users"]').isChecked(), true);
    await page.getByRole("checkbox", { name: /Ask each user too/ }).check();
    await press("Approve");

    await sees("Onboarding Agent wants to act for you");
    await press("Accept");
    const token = await redeem(onboardingAgent, request, await arrival(request));
    assert.equal((await me(token)).email, "grace@acme.test");
    assert.deepEqual(faults, []);
  });

  test("a46 then asks each user, who can deny and later accept", async () => {
    const refused = await open(onboardingAgent);
    await signIn(alan);
    await sees("Onboarding Agent wants to act for you");
    const text = await page.locator("main").innerText();
    for (const named of ["Acme Corp", app.host, "Alan Turing", "alan@acme.test", "users"]) assert.ok(text.includes(named), named);
    await press("Deny");
    assert.equal((await arrival(refused)).error, "access_denied");

    const accepted = await open(onboardingAgent);
    await press("Accept");
    const token = await redeem(onboardingAgent, accepted, await arrival(accepted));
    assert.equal((await me(token)).email, "alan@acme.test");
  });

  test("a57 gives no second code when the user goes back and accepts again", async () => {
    const request = await open(onboardingAgent);
    await signIn(ada);
    await press("Accept");
    await arrival(request);
    await page.goBack();
    if ((await page.getByRole("button", { name: "Accept" }).count()) > 0) await press("Accept");
    assert.equal(app.arrivals.length, 1);
  });

  test("lets another user take over with `not you?`", async () => {
    await open(teamDirectory);
    await signIn(alan);
    await atTheApp();
    const request = await open(teamDirectory);
    await sees("Team Directory wants to act for you");
    assert.match(await page.locator("main").innerText(), /Alan Turing/);
    await press("not you?");
    await sees("Sign in");
    await signIn(ada);
    const token = await redeem(teamDirectory, request, await arrival(request));
    assert.equal((await me(token)).email, "ada@acme.test");
  });
});

describe("an app that the organization refuses", () => {
  beforeEach(newUser);

  test("is refused for everybody there once an administrator has denied it", async () => {
    const request = await open(teamDirectory);
    await signIn(hedy);
    await sees("Approve Team Directory?");
    await press("Deny");
    assert.equal((await arrival(request)).error, "access_denied");

    await newUser();
    await open(teamDirectory);
    await signIn(katherine);
    await sees("Globex Corporation does not allow this app");
    assert.match(await page.locator("main").innerText(), /Hedy Lamarr/);
    assert.deepEqual(faults, []);
  });
});

describe("an e-mail that two organizations know", () => {
  beforeEach(newUser);

  test("is asked which one after the password, and the app works in that one only", async () => {
    const hiring = await open(onboardingAgent);
    await signIn(hedy);
    await press("Approve");
    const token = await redeem(onboardingAgent, hiring, await arrival(hiring));
    await createUser(token, { name: "Ada Lovelace", email: ada[0], password: ada[1] });

    await newUser();
    const request = await open(onboardingAgent);
    await signIn(ada);
    await sees("Which organization?");
    assert.deepEqual(await page.locator(".choice-name").allInnerTexts(), ["Acme Corp", "Globex Corporation"]);
    await page.getByRole("button", { name: /Acme Corp/ }).click();
    const chosen = await redeem(onboardingAgent, request, await arrival(request));
    assert.equal((await api("tokens/me", chosen)).organization.id, "acme");
    assert.deepEqual(faults, []);
  });

  test("is not asked where the app names the organization", async () => {
    const request = await open(onboardingAgent, { org: "globex" });
    await signIn(ada);
    const token = await redeem(onboardingAgent, request, await arrival(request));
    assert.equal((await me(token)).email, ada[0]);
    assert.equal((await api("tokens/me", token)).organization.id, "globex");
  });
});

describe("a request that cannot be answered", () => {
  beforeEach(newUser);

  test("a35 never leaves for an address that was not registered", async () => {
    await open(teamDirectory, { redirect_uri: `http://${app.host}/elsewhere` });
    await sees("This app sent you here the wrong way");
    const text = await page.locator("main").innerText();
    assert.match(text, /redirect_uri/);
    assert.match(text, /Reference \S{8,}/);
    assert.equal(app.arrivals.length, 0);
  });

  test("a08 tells an unknown app from nothing", async () => {
    await open({ client_id: "00000000-0000-4000-8000-000000000000" });
    await sees("This app sent you here the wrong way");
    assert.equal(app.arrivals.length, 0);
  });
});

describe("around the flow", () => {
  beforeEach(newUser);

  test("the first page says what this is, and who is signed in", async () => {
    await page.goto(origin);
    await sees("Two signatures on every API call");
    assert.match(await page.locator("main").innerText(), /Nobody is signed in/);
    await open(teamDirectory);
    await signIn(grace);
    await atTheApp();
    await page.goto(origin);
    assert.match(await page.locator("main").innerText(), /Signed in as Grace Hopper/);
    await press("Sign out");
    await sees("You are signed out");
    await open(teamDirectory);
    await sees("Sign in");
    assert.deepEqual(faults, []);
  });

  test("an address without a page gets one that says so", async () => {
    await page.goto(`${origin}/no/such/page`);
    await sees("There is no page here");
  });
});
