// Dynamic registration with openid-client and oauth4webapi: an app registers itself, works once it is authorized, and manages itself.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import * as oidc from "openid-client";
import * as oauth from "oauth4webapi";
import { discovered, plain, url } from "./world.js";

/** The token that an organization hands out, as its operator makes it beside the running server. */
function initialAccessToken() {
  const { COUNTERSIGN_BIN: binary, COUNTERSIGN_SERVED_DATA: data } = process.env;
  const policy = ["--grant-type", "authorization_code", "--grant-type", "refresh_token", "--scope", "user-basic-info", "--host", "127.0.0.1"];
  const made = execFileSync(binary, ["registration-token", "create", "--organization", "initech", "--name", "Tests", "--data", data, ...policy]);
  return made.toString().split("\n")[0];
}

const metadata = { client_name: "Newcomer", redirect_uris: ["http://127.0.0.1:4187/callback"], grant_types: ["authorization_code", "refresh_token"] };

test("an app registers itself, and the library has all that it needs to go on", async () => {
  const token = initialAccessToken();
  const insecure = { execute: [oidc.allowInsecureRequests] };
  const config = await oidc.dynamicClientRegistration(new URL(url), metadata, undefined, { initialAccessToken: token, ...insecure });
  const { client_id, client_secret } = config.clientMetadata();
  assert.ok(client_id && client_secret);
  const address = oidc.buildAuthorizationUrl(config, { redirect_uri: metadata.redirect_uris[0], scope: "user-basic-info" });
  assert.equal(address.searchParams.get("client_id"), client_id);
  await assert.rejects(oidc.dynamicClientRegistration(new URL(url), metadata, undefined, { initialAccessToken: token, ...insecure }), "used up");
});

test("an app that manages itself reads, replaces and deletes its registration", async () => {
  const server = await discovered();
  const answer = await oauth.dynamicClientRegistrationRequest(server, metadata, { initialAccessToken: initialAccessToken(), ...plain });
  const client = await oauth.processDynamicClientRegistrationResponse(answer);
  const manage = (method, token, body) =>
    fetch(client.registration_client_uri, {
      method, body: body && JSON.stringify(body), headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
  assert.equal((await (await manage("GET", client.registration_access_token)).json()).client_name, "Newcomer");
  const renamed = await (await manage("PUT", client.registration_access_token, { ...metadata, client_id: client.client_id, client_name: "Renamed" })).json();
  assert.equal(renamed.client_name, "Renamed");
  assert.equal((await manage("GET", client.registration_access_token)).status, 401, "the token was replaced with the registration");
  assert.equal((await manage("DELETE", renamed.registration_access_token)).status, 204);
});
