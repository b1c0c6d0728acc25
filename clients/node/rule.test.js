// The rule, as an app meets it: its scopes and its user's permissions must both allow the call.

import assert from "node:assert/strict";
import { test } from "node:test";
import { portal, refused, sdk, service, somebodyNew } from "./countersign.js";

const usersApi = async (api) => new sdk.UsersApi(await api);

test("postUsers is allowed when the app has the scope and the user the permission", async () => {
  const wanted = somebodyNew();
  const created = await (await usersApi(portal("ada@acme.test"))).postUsers(wanted);
  assert.deepEqual([created.name, created.email, created.state, created.version], [wanted.name, wanted.email, "active", 1]);
});

test("postUsers is allowed to a service with scope and role", async () => {
  assert.ok((await (await usersApi(service("Directory Sync"))).postUsers(somebodyNew())).id);
});

test("postUsers is denied to an app without the scope", async () => {
  const users = await usersApi(service("Directory Reader"));
  const body = await refused(users.postUsers(somebodyNew()), 403, "app.not.authorized.for.scope", "App not authorized to use scope [users]");
  assert.deepEqual(body.missing, { scopes_any_of: [["users"]] });
});

test("postUsers is denied to a user without the permission", async () => {
  const users = await usersApi(portal("ben@acme.test"));
  const body = await refused(users.postUsers(somebodyNew()), 403, "missing.any.permissions");
  assert.match(body.message, /\[directory:user:add\]/);
});

test("postUsers is denied to a service without a role", async () => {
  const users = await usersApi(service("Roleless Service"));
  const body = await refused(users.postUsers(somebodyNew()), 403, "missing.any.permissions");
  assert.match(body.message, /\[directory:user:add\]/);
});

test("an app with the reading scope reads", async () => {
  const listing = await (await usersApi(service("Directory Reader"))).getUsers();
  assert.ok(listing.entities.some((user) => user.email === "ada@acme.test"));
});

test("a user of another organization is unknown", async () => {
  const theirs = (await (await usersApi(service("Globex Reader"))).getUsers()).entities[0];
  const users = await usersApi(service("Directory Sync"));
  const body = await users.getUser(theirs.id).then(() => assert.fail("found"), (reason) => reason);
  assert.equal(body.status, 404);
});
