// The JWT bearer grant with openid-client: an identity provider that the organization trusts says who the person is.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as oidc from "openid-client";
import { app, clientKey, ida, refused, relyingParty, url } from "./world.js";

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** What the identity provider signs: an identity assertion (ID-JAG) for this server and one of its apps. */
async function assertion(more = {}) {
  const { key, kid } = await clientKey();
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "http://127.0.0.1:4186", sub: "somebody", email: ida.email, aud: url, client_id: app("Relying Party").id,
    jti: crypto.randomUUID(), iat: now, exp: now + 120, ...more,
  };
  const signed = `${part({ alg: "ES256", typ: "oauth-id-jag+jwt", kid })}.${part(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

test("an assertion is worth a token of the person whom it names, once", async () => {
  const config = await relyingParty();
  const parameters = { assertion: await assertion() };
  const tokens = await oidc.genericGrantRequest(config, GRANT, parameters);
  assert.equal(tokens.refresh_token, undefined);
  const me = await oidc.fetchProtectedResource(config, tokens.access_token, new URL("/api/v2/users/me", url), "GET");
  assert.equal((await me.json()).email, ida.email);
  await refused(oidc.genericGrantRequest(config, GRANT, parameters), 400, "invalid_grant");
});

test("an assertion for another server, app or person is worth nothing", async () => {
  const config = await relyingParty();
  for (const more of [{ aud: "https://elsewhere.example" }, { client_id: app("Key Holder").id }, { email: "nobody@initech.test" }]) {
    await refused(oidc.genericGrantRequest(config, GRANT, { assertion: await assertion(more) }), 400, "invalid_grant");
  }
});
