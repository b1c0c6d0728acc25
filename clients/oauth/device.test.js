// The device grant with openid-client: the device polls while a person enters its code elsewhere.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as oidc from "openid-client";
import { app, ida, url } from "./world.js";
import { follow } from "../node/sign_in.js";

const person = ({ user_code }) => ({ ...ida, user_code });

async function device() {
  const { id } = app("Kitchen Display");
  const config = await oidc.discovery(new URL(url), id, undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] });
  return { config, asked: await oidc.initiateDeviceAuthorization(config, { scope: "openid profile user-basic-info" }) };
}

test("a device is let in by a person who enters its code, and stays connected", async () => {
  const { config, asked } = await device();
  const polling = oidc.pollDeviceAuthorizationGrant(config, asked);
  const page = await follow(asked.verification_uri, undefined, person(asked));
  assert.match(page, /Your device is connected/);
  const tokens = await polling;
  const claims = tokens.claims();
  assert.deepEqual([claims.iss, claims.aud], [url, app("Kitchen Display").id]);
  const somebody = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(somebody.name, ida.name);
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(fresh.access_token, tokens.access_token);
});

test("the link with the code leads to the same pages", async () => {
  const { config, asked } = await device();
  const page = await follow(asked.verification_uri_complete, undefined, person(asked));
  assert.match(page, /Your device is connected/);
  assert.ok((await oidc.pollDeviceAuthorizationGrant(config, asked)).id_token);
});
