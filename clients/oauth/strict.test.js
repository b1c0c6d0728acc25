// oauth4webapi, which leaves every step to the caller: discovery by RFC 8414, and DPoP with its nonce, step by step.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as oauth from "oauth4webapi";
import { app, discovered, plain, refused, url } from "./world.js";

const client = { client_id: app("Relying Party").id };
const secret = oauth.ClientSecretBasic(app("Relying Party").secret);

test("the metadata is that of the issuer which was asked", async () => {
  const server = await discovered();
  assert.equal(server.issuer, url);
  const other = new URL(url.replace("127.0.0.1", "localhost"));
  const answer = await oauth.discoveryRequest(new URL(url), { algorithm: "oauth2", ...plain });
  await assert.rejects(oauth.processDiscoveryResponse(other, answer), { code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" });
});

test("a proof without our nonce is answered with one, and the next proof is good", async () => {
  const server = await discovered();
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const ask = async () => {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, secret, {}, { DPoP, ...plain });
    return oauth.processClientCredentialsResponse(server, client, answer);
  };
  const reason = await ask().then(() => assert.fail("the first proof was good"), (reason) => reason);
  assert.ok(oauth.isDPoPNonceError(reason), String(reason));
  assert.equal((await ask()).token_type, "dpop");
});

test("an unknown scope and a wrong secret get their registered errors", async () => {
  const server = await discovered();
  const ask = async (authentication, parameters) => {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, plain);
    return oauth.processClientCredentialsResponse(server, client, answer);
  };
  await refused(ask(secret, { scope: "no-such-scope" }), 400, "invalid_scope");
  await refused(ask(oauth.ClientSecretBasic("wrong"), {}), 401, "invalid_client");
});
