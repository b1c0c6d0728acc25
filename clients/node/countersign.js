// What the tests share: the world they run in, and SDK clients that are signed in one way or another.
// The SDK is the published one, pointed at the server by its own gateway setting.

import { readFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import assert from "node:assert/strict";
import sdk from "purecloud-platform-client-v2";
import { walk } from "./sign_in.js";

export { sdk };
export const url = process.env.COUNTERSIGN_URL;

const world = JSON.parse(readFileSync(process.env.COUNTERSIGN_WORLD, "utf8"));
const named = (kind, key, name) => world.organizations.flatMap((organization) => organization[kind]).find((entry) => entry[key] === name);

/** A client of the world file, by name. */
export const app = (name) => named("clients", "name", name);

/** The SDK without a token. */
export function signedOut() {
  const api = new sdk.ApiClientClass();
  api.config.live_reload_config = false; // Its file watcher keeps node from ending.
  const { hostname, port } = new URL(url);
  api.setGateway({ host: hostname, protocol: "http", port: Number(port) });
  return api;
}

/** The SDK as a service: a client-credentials token of the named app. */
export async function service(name) {
  const api = signedOut();
  await api.loginClientCredentialsGrant(app(name).id, app(name).secret);
  return api;
}

/** Signs a person in to the named app as a browser would, and returns what comes back to the app. */
export function authorizationCode(email, appName, more = {}) {
  const { id, redirect_uris } = app(appName);
  const { password } = named("users", "email", email);
  return walk(url, { client_id: id, redirect_uri: redirect_uris[0], ...more }, { email, password });
}

/** The SDK behind a web app: a code login without PKCE, as this SDK does it, with a refresh token. */
export async function portal(email, appName = "Code Portal") {
  const { id, secret, redirect_uris } = app(appName);
  const { code } = await authorizationCode(email, appName);
  const api = signedOut();
  await api.loginCodeAuthorizationGrant(id, secret, code, redirect_uris[0]);
  return api;
}

/** A user to create, with an e-mail address that nobody has. */
export function somebodyNew() {
  const name = `n${randomBytes(6).toString("hex")}`;
  return { name, email: `${name}@acme.test` };
}

/** An API call is refused with this status, code and, where given, text. The SDK rejects with the body of the answer. */
export async function refused(call, status, code, message) {
  const body = await call.then(() => assert.fail("the call was allowed"), (reason) => reason);
  assert.deepEqual([body.status, body.code], [status, code], JSON.stringify(body));
  assert.ok(body.contextId);
  if (message) assert.equal(body.message, message);
  return body;
}

/** A login is refused with this OAuth error. The SDK rejects with an error that carries the answer. */
export async function loginRefused(login, status, error) {
  const reason = await login.then(() => assert.fail("the login was allowed"), (reason) => reason);
  assert.deepEqual([reason.response?.status, reason.response?.data?.error], [status, error], String(reason));
  assert.equal(reason.response.data.description, reason.response.data.error_description);
}
