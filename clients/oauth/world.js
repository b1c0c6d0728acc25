// What the tests share: the world they run in, a browser that remembers, and both libraries pointed at the server.

import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import * as oidc from "openid-client";
import * as oauth from "oauth4webapi";
import { follow } from "../node/sign_in.js";

export const url = process.env.COUNTERSIGN_URL;
const { organizations } = JSON.parse(readFileSync(process.env.COUNTERSIGN_WORLD, "utf8"));
const { clients, users } = organizations.find(({ id }) => id === "initech");
export const ida = users[0];

/** A client of the world file, by name. */
export const app = (name) => clients.find((client) => client.name === name);

/** The private key of the clients that have no secret. */
export async function clientKey() {
  const { kid, ...jwk } = JSON.parse(readFileSync(new URL("../key.json", import.meta.url), "utf8"));
  return { kid, key: await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]) };
}

/** openid-client after discovery: by secret where the app has one, else by its key. */
export async function relyingParty(name = "Relying Party", authentication) {
  const { id, secret } = app(name);
  const by = authentication ?? (secret ? oidc.ClientSecretBasic(secret) : oidc.PrivateKeyJwt(await clientKey()));
  return oidc.discovery(new URL(url), id, undefined, by, { execute: [oidc.allowInsecureRequests] });
}

/** oauth4webapi after discovery; loopback is the one place for plain HTTP. */
export const plain = { [oauth.allowInsecureRequests]: true };
export async function discovered() {
  const issuer = new URL(url);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...plain }));
}

/** Parameters of a fresh authorization request, and the checks that its answer must pass. */
export async function request(name = "Relying Party", more = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier, expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce(), idTokenExpected: true };
  const parameters = {
    redirect_uri: app(name).redirect_uris[0],
    scope: "openid profile email",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    ...more,
  };
  return { parameters, checks };
}

/** Signs Ida in at this address; returns the address that she is sent back to. */
export const signIn = (address, name = "Relying Party", cookies) => follow(address.href, app(name).redirect_uris[0], ida, cookies);

/** The whole flow of openid-client; returns its configuration, the tokens, and the browser's cookies. */
export async function signedIn(name = "Relying Party") {
  const config = await relyingParty(name);
  const { parameters, checks } = await request(name);
  const cookies = new Map();
  const back = await signIn(oidc.buildAuthorizationUrl(config, parameters), name, cookies);
  return { config, cookies, checks, back, tokens: await oidc.authorizationCodeGrant(config, back, checks) };
}

/** The library reports this status and registered error code. Where a challenge comes, too, it leaves the body to its caller. */
export async function refused(call, status, error) {
  const reason = await call.then(() => assert.fail("the call was allowed"), (reason) => reason);
  const challenged = reason.code === "OAUTH_WWW_AUTHENTICATE_CHALLENGE" && (await reason.response.json());
  assert.deepEqual([reason.status, (challenged || reason).error], [status, error], String(reason.stack));
}
