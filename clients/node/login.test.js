// Signing in: client credentials, PKCE, the code login of a web app, refresh and its end.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { app, authorizationCode, loginRefused, portal, refused, sdk, service, signedOut } from "./countersign.js";

test("a service gets a token with a secret that the SDK sends raw", async () => {
  // The SDK does not form-encode `+`, `/` and `%` before Basic, as RFC 6749 §2.3.1 wants it.
  const organization = await new sdk.OrganizationApi(await service("Directory Sync")).getOrganizationsMe();
  assert.equal(organization.name, "Acme Corp");
});

test("a wrong secret is refused", () =>
  loginRefused(signedOut().loginClientCredentialsGrant(app("Directory Sync").id, "wrong"), 401, "invalid_client"));

test("a service is not a user", async () => {
  await refused(new sdk.UsersApi(await service("Directory Sync")).getUsersMe(), 400, "not.a.user");
});

test("a public app signs a person in with PKCE", async () => {
  const { id, redirect_uris } = app("Browser App");
  const api = signedOut();
  const verifier = api.generatePKCECodeVerifier(64);
  const code_challenge = await api.computePKCECodeChallenge(verifier);
  const { code, state } = await authorizationCode("ben@acme.test", "Browser App", { code_challenge, code_challenge_method: "S256", state: "x y/ä" });
  assert.equal(state, "x y/ä");
  await api.authorizePKCEGrant(id, verifier, code, redirect_uris[0]);
  const me = await new sdk.UsersApi(api).getUsersMe();
  assert.deepEqual([me.name, me.email], ["Ben Bitdiddle", "ben@acme.test"]);
});

test("a code is worth nothing without its verifier", async () => {
  const { id, redirect_uris } = app("Browser App");
  const api = signedOut();
  const code_challenge = await api.computePKCECodeChallenge(api.generatePKCECodeVerifier(64));
  const { code } = await authorizationCode("ben@acme.test", "Browser App", { code_challenge, code_challenge_method: "S256" });
  await loginRefused(api.authorizePKCEGrant(id, api.generatePKCECodeVerifier(64), code, redirect_uris[0]), 400, "invalid_grant");
});

test("a public app without PKCE gets no code", async () => {
  const answer = await authorizationCode("ben@acme.test", "Browser App");
  assert.deepEqual([answer.error, answer.code], ["invalid_request", undefined]);
});

test("a web app signs a person in", async () => {
  const me = await new sdk.UsersApi(await portal("ben@acme.test")).getUsersMe();
  assert.equal(me.email, "ben@acme.test");
});

test("a call with a token that is no longer good gets a fresh one", async () => {
  // A dead token is told from an expired one by nobody: both get 401, and on 401 the SDK refreshes.
  const api = await portal("ben@acme.test");
  api.setAccessToken("no-longer-good");
  await refreshes(api, "no-longer-good");
});

test("a call after expiry gets a fresh token", { skip: !process.env.COUNTERSIGN_CLOCK && "needs libfaketime" }, async () => {
  const api = await portal("ben@acme.test", "Five-minute Portal");
  writeFileSync(process.env.COUNTERSIGN_CLOCK, "+301\n");
  await refreshes(api, api.authData.accessToken);
});

test("signing out ends the refresh loop", async () => {
  const api = await portal("ben@acme.test");
  await new sdk.TokensApi(api).deleteTokensMe();
  await refreshIsOver(api);
});

test("an administrator ends the refresh loop of another person", async () => {
  const api = await portal("ben@acme.test");
  const ben = await new sdk.UsersApi(api).getUsersMe();
  await new sdk.TokensApi(await portal("ada@acme.test")).deleteToken(ben.id);
  await refreshIsOver(api);
});

test("a call without a token asks for authentication", () => refused(new sdk.UsersApi(signedOut()).getUsersMe(), 401, "authentication.required"));

test("an unknown token is a bad credential", async () => {
  const api = signedOut();
  api.setAccessToken("unknown");
  await refused(new sdk.UsersApi(api).getUsersMe(), 401, "bad.credentials");
});

// This SDK refreshes in the background and rejects the call that met the 401 all the same: the next one works.
async function refreshes(api, old) {
  const users = new sdk.UsersApi(api);
  await users.getUsersMe().catch((reason) => assert.equal(reason.response?.status, 401, String(reason)));
  for (let wait = 0; api.authData.accessToken === old && wait < 50; wait++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.notEqual(api.authData.accessToken, old);
  assert.equal((await users.getUsersMe()).email, "ben@acme.test");
}

// Only a refused refresh ends it.
async function refreshIsOver(api) {
  const { accessToken, refreshToken } = api.authData;
  await assert.rejects(new sdk.UsersApi(api).getUsersMe(), (reason) => reason.response?.status === 401);
  const { id, secret } = app("Code Portal");
  await loginRefused(api.refreshCodeAuthorizationGrant(id, secret, refreshToken), 400, "invalid_grant");
  assert.equal(api.authData.accessToken, accessToken);
}
