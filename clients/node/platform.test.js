// The platform API through the SDK: users, roles, scopes and authorizations.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { app, sdk, service, somebodyNew } from "./countersign.js";

let users, roles, oauth;

before(async () => {
  const api = await service("Directory Sync");
  users = new sdk.UsersApi(api);
  roles = new sdk.AuthorizationApi(api);
  oauth = new sdk.OAuthApi(api);
});

const status = (call) => call.then(() => 200, (reason) => reason.status);

test("a user is found by the beginning of the name", async () => {
  const created = await users.postUsers(somebodyNew());
  const found = await users.postUsersSearch({ query: [{ type: "STARTS_WITH", fields: ["name"], value: created.name.slice(0, 10) }] });
  assert.deepEqual([found.total, found.results.map((user) => user.id)], [1, [created.id]]);
});

test("a change needs the version it is made from", async () => {
  const created = await users.postUsers(somebodyNew());
  const changed = await users.patchUser(created.id, { version: created.version, title: "Engineer" });
  assert.deepEqual([changed.title, changed.version], ["Engineer", created.version + 1]);
  assert.equal(await status(users.patchUser(created.id, { version: created.version, title: "Manager" })), 409);
});

test("a role is created, changed, given to a user and deleted", async () => {
  const policy = { domain: "directory", entityName: "user", actionSet: ["view"] };
  const role = await roles.postAuthorizationRoles({ name: somebodyNew().name, permissionPolicies: [policy] });
  const changed = await roles.putAuthorizationRole(role.id, { name: role.name, description: "reads", permissionPolicies: [policy] });
  assert.equal(changed.description, "reads");

  const user = await users.postUsers(somebodyNew());
  await users.putUserRoles(user.id, [role.id]);
  assert.deepEqual((await users.getUserRoles(user.id)).roles.map((held) => held.id), [role.id]);

  await roles.deleteAuthorizationRole(role.id);
  assert.equal(await status(roles.getAuthorizationRole(role.id)), 404);
  assert.deepEqual((await users.getUserRoles(user.id)).roles, []);
});

test("the roles of the organization are listed", async () => {
  const names = (await roles.getAuthorizationRoles({ pageSize: 100 })).entities.map((role) => role.name);
  assert.ok(names.includes("Administrator") && names.includes("Employee"), names);
});

test("scopes are listed with a description", async () => {
  const scopes = (await oauth.getOauthScopes()).entities;
  assert.ok(scopes.some((scope) => scope.id === "users:readonly"));
  assert.ok(scopes.every((scope) => scope.description), JSON.stringify(scopes));
});

test("the apps that the organization authorized are listed", async () => {
  const listing = await oauth.getOauthAuthorizations();
  const reader = listing.entities.find((entry) => entry.client.id === app("Directory Reader").id);
  assert.deepEqual([reader.scope, reader.state], [["users:readonly"], "Authorized"]);
});

test("what an app called is asked and read", async () => {
  const { id } = app("Directory Sync");
  await oauth.getOauthScopes();
  const asked = await oauth.getOauthClientUsageSummary(id, { days: "1" });
  const { queryStatus, results } = await oauth.getOauthClientUsageQueryResult(asked.executionId, id);
  const scopes = results.find((row) => row.templateUri === "/api/v2/oauth/scopes");
  assert.deepEqual([queryStatus, scopes.clientName, scopes.httpMethod], ["Complete", "Directory Sync", "GET"]);

  const query = { interval: "2020-01-01T00:00:00/2020-01-08T00:00:00", granularity: "Week", groupBy: ["TemplateUri"] };
  const other = await oauth.postOauthClientUsageQuery(id, query);
  assert.deepEqual((await oauth.getOauthClientUsageQueryResult(other.executionId, id)).results, []);
});
