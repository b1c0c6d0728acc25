// OpenID Connect with openid-client: who signed in, what the tokens are worth, how it ends.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as oidc from "openid-client";
import { app, ida, refused, relyingParty, request, signedIn, signIn, url } from "./world.js";
import { follow } from "../node/sign_in.js";

test("a person signs in with PKCE, and the ID token says who, for whom and for which request", async () => {
  const { tokens, checks } = await signedIn();
  const claims = tokens.claims();
  assert.deepEqual([claims.iss, claims.aud, claims.nonce], [url, app("Relying Party").id, checks.expectedNonce]);
  assert.equal(claims.at_hash, createHash("sha256").update(tokens.access_token).digest().subarray(0, 16).toString("base64url"));
});

test("userinfo is about the person of the ID token", async () => {
  const { config, tokens } = await signedIn();
  const person = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.deepEqual([person.name, person.email], [ida.name, ida.email]);
  await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, "somebody-else"), { code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" });
});

test("an answer that does not belong to the request is refused by the library", async () => {
  const config = await relyingParty();
  const { parameters, checks } = await request();
  const back = await signIn(oidc.buildAuthorizationUrl(config, parameters));
  assert.equal(back.searchParams.get("iss"), url);
  const altered = (name, value) => {
    const address = new URL(back);
    value === undefined ? address.searchParams.delete(name) : address.searchParams.set(name, value);
    return oidc.authorizationCodeGrant(config, address, checks);
  };
  const invalid = { code: "OAUTH_INVALID_RESPONSE" };
  await assert.rejects(altered("iss", "https://mix-up.example"), invalid, "RFC 9207 §2.4");
  await assert.rejects(altered("iss", undefined), invalid, "the metadata promises `iss`");
  await assert.rejects(altered("state", "another"), invalid);
  assert.ok((await oidc.authorizationCodeGrant(config, back, checks)).id_token, "the code is still good");
});

test("an ID token with the nonce of another request is refused by the library", async () => {
  const config = await relyingParty();
  const { parameters, checks } = await request();
  const back = await signIn(oidc.buildAuthorizationUrl(config, parameters));
  const other = { ...checks, expectedNonce: oidc.randomNonce() };
  await assert.rejects(oidc.authorizationCodeGrant(config, back, other), { code: "OAUTH_JWT_CLAIM_COMPARISON_FAILED" });
});

test("a code is refused with the verifier of another request, and the second time", async () => {
  const config = await relyingParty();
  const { parameters, checks } = await request();
  const back = await signIn(oidc.buildAuthorizationUrl(config, parameters));
  const other = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
  await refused(oidc.authorizationCodeGrant(config, back, other), 400, "invalid_grant");
  const { config: again, back: used, checks: same, tokens } = await signedIn();
  await refused(oidc.authorizationCodeGrant(again, used, same), 400, "invalid_grant");
  assert.equal((await oidc.tokenIntrospection(again, tokens.access_token)).active, false, "what came from the code has ended");
});

test("nobody signed in is an error that comes back to the app", async () => {
  const config = await relyingParty();
  const { parameters, checks } = await request("Relying Party", { prompt: "none" });
  const back = await signIn(oidc.buildAuthorizationUrl(config, parameters));
  await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), { code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR", error: "login_required" });
});

test("a refresh token is worth new tokens of the same person", async () => {
  const { config, tokens } = await signedIn();
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(fresh.access_token, tokens.access_token);
  assert.equal((await oidc.fetchUserInfo(config, fresh.access_token, tokens.claims().sub)).email, ida.email);
  await refused(oidc.refreshTokenGrant(config, "unknown"), 400, "invalid_grant");
});

test("introspection tells a live token from one that was revoked", async () => {
  const { config, tokens } = await signedIn();
  const live = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.deepEqual([live.active, live.client_id, live.sub], [true, app("Relying Party").id, tokens.claims().sub]);
  await oidc.tokenRevocation(config, tokens.access_token);
  assert.deepEqual(await oidc.tokenIntrospection(config, tokens.access_token), { active: false });
});

test("signing out leads back to the app, and ends the tokens and the session", async () => {
  const { config, tokens, cookies } = await signedIn();
  const bye = app("Relying Party").metadata.post_logout_redirect_uris[0];
  const leave = oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: bye, state: "over" });
  const back = await follow(leave.href, bye, {}, cookies);
  assert.equal(back.searchParams.get("state"), "over");
  await refused(oidc.refreshTokenGrant(config, tokens.refresh_token), 400, "invalid_grant");
  const { parameters } = await request("Relying Party", { prompt: "none" });
  const silent = await signIn(oidc.buildAuthorizationUrl(config, parameters), "Relying Party", cookies);
  assert.equal(silent.searchParams.get("error"), "login_required");
});
