// Clients that prove themselves by key: private_key_jwt, pushed and signed requests, DPoP with openid-client.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as oidc from "openid-client";
import { app, clientKey, ida, refused, relyingParty, request, signIn, url } from "./world.js";

test("a service gets a token by its secret, and by its key", async () => {
  for (const name of ["Relying Party", "Key Holder"]) {
    const config = await relyingParty(name);
    const { access_token } = await oidc.clientCredentialsGrant(config, { scope: "users:readonly" });
    assert.equal((await oidc.tokenIntrospection(config, access_token)).client_id, app(name).id);
  }
});

test("a wrong secret, a wrong key and another method than the registered one are refused", async () => {
  const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const { kid } = await clientKey();
  for (const [name, authentication] of [
    ["Relying Party", oidc.ClientSecretBasic("wrong")],
    ["Key Holder", oidc.PrivateKeyJwt({ kid, key: privateKey })],
    ["Key Holder", oidc.ClientSecretPost("a secret")],
    ["Key Holder", oidc.None()],
  ])
    await refused(oidc.clientCredentialsGrant(await relyingParty(name, authentication)), 401, "invalid_client");
});

test("a pushed request signs a person in, once", async () => {
  const config = await relyingParty("Key Holder");
  const { parameters, checks } = await request("Key Holder");
  const address = await oidc.buildAuthorizationUrlWithPAR(config, parameters);
  assert.deepEqual([...address.searchParams.keys()].sort(), ["client_id", "request_uri"]);
  const tokens = await oidc.authorizationCodeGrant(config, await signIn(address, "Key Holder"), checks);
  assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).email, ida.email);
  await assert.rejects(signIn(address, "Key Holder"), /no way on/);
});

test("a pushed request to an address that is not registered is refused before anybody sees a page", async () => {
  const config = await relyingParty("Key Holder");
  const { parameters } = await request("Key Holder", { redirect_uri: "https://elsewhere.example/" });
  await refused(oidc.buildAuthorizationUrlWithPAR(config, parameters), 400, "invalid_request");
});

test("a signed request object signs a person in", async () => {
  const config = await relyingParty("Key Holder");
  const { parameters, checks } = await request("Key Holder");
  const address = await oidc.buildAuthorizationUrlWithJAR(config, parameters, await clientKey());
  assert.ok(address.searchParams.has("request") && !address.searchParams.has("redirect_uri"));
  assert.ok((await oidc.authorizationCodeGrant(config, await signIn(address, "Key Holder"), checks)).id_token);
});

test("an app that must push signed requests and bind its tokens does all of it", async () => {
  const config = await relyingParty("Bank App");
  const { parameters, checks } = await request("Bank App");
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
  const signed = await oidc.buildAuthorizationUrlWithJAR(config, parameters, await clientKey());
  const address = await oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
  const back = await signIn(address, "Bank App");
  const tokens = await oidc.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  assert.equal(tokens.token_type, "dpop");
  const person = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
  assert.equal(person.email, ida.email);
  const bare = await fetch(`${url}/oauth/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal(bare.status, 401, "a bound token is no bearer token");
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(fresh.token_type, "dpop");
  assert.ok((await oidc.tokenIntrospection(config, fresh.access_token)).cnf.jkt);
});

test("an app that must sign its requests cannot push a plain one", async () => {
  const config = await relyingParty("Bank App");
  const { parameters } = await request("Bank App");
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
  await refused(oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP }), 400, "invalid_request");
});
