// Apache httpd with mod_auth_openidc as a relying party, and with mod_oauth2 as a resource server that introspects.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { follow } from "../node/sign_in.js";

const { COUNTERSIGN_URL: issuer, COUNTERSIGN_WORLD: world, HTTPD: httpd, HTTPD_MODULES: modules } = process.env;
const { clients, users } = JSON.parse(readFileSync(world, "utf8")).organizations.find(({ id }) => id === "initech");
const [app, api] = ["Relying Party", "Tool Server"].map((wanted) => clients.find(({ name }) => name === wanted));
// the one address that is registered for the app
const { origin, port } = new URL(app.redirect_uris[0]);
const resource = api.metadata.resources[0];
let folder, server;

const configuration = () => `
ServerName 127.0.0.1
ServerRoot ${folder}
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/log
Listen 127.0.0.1:${port}
${process.getuid() === 0 ? "User daemon\nGroup daemon" : ""}
${["mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "oauth2", "dir", "headers"].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join("\n")}
DocumentRoot ${folder}/pages
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${app.id}
OIDCClientSecret ${app.secret}
OIDCRedirectURI ${app.redirect_uris[0]}
OIDCCryptoPassphrase of-the-tests
OIDCPKCEMethod S256
OIDCScope "openid profile email"
OIDCCookieSameSite On
OAuth2TokenVerify introspect ${issuer}/oauth/introspect introspect.ssl_verify=false&introspect.auth=client_secret_basic&client_id=${api.id}&client_secret=${api.secret}&expiry=0
<Location />
  AuthType openid-connect
  # what is no browser is sent to sign in, too
  OIDCUnAuthAction auth true
  Require valid-user
</Location>
<Location /api>
  AuthType oauth2
  Require valid-user
</Location>
`;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-httpd."));
  chmodSync(folder, 0o755); // httpd that is started by root reads it as somebody else
  for (const place of ["pages", "pages/api"]) {
    mkdirSync(join(folder, place));
    writeFileSync(join(folder, place, "page.txt"), `the page in ${place}\n`);
  }
  writeFileSync(join(folder, "httpd.conf"), configuration());
  server = spawn(httpd, ["-D", "FOREGROUND", "-f", join(folder, "httpd.conf")], { stdio: "inherit" });
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(origin, { redirect: "manual" }).then(() => true, () => false)) return;
    await new Promise((later) => setTimeout(later, 100));
  }
  assert.fail(`httpd does not start: ${readFileSync(join(folder, "log"), "utf8")}`);
});

after(async () => {
  const ended = new Promise((gone) => server.on("exit", gone));
  server.kill();
  await ended;
  rmSync(folder, { recursive: true });
});

/** What the server answers a client. */
async function ask(path, client, form) {
  const authorization = `Basic ${btoa(`${client.id}:${client.secret}`)}`;
  const reply = await fetch(`${issuer}${path}`, { method: "POST", headers: { authorization }, body: new URLSearchParams(form) });
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  return text && JSON.parse(text);
}

test("a page behind mod_auth_openidc is shown after a sign-in, and not before", async () => {
  const cookies = new Map();
  const first = await fetch(`${origin}/page.txt`, { redirect: "manual" });
  assert.equal(first.status, 302);
  assert.ok(first.headers.get("location").startsWith(`${issuer}/oauth/authorize?`));
  const page = await follow(`${origin}/page.txt`, undefined, users[0], cookies);
  assert.equal(page, "the page in pages\n");
});

test("an answer that nobody asked for is refused by mod_auth_openidc", async () => {
  const reply = await fetch(`${app.redirect_uris[0]}?code=stolen&state=unknown`, { redirect: "manual" });
  assert.notEqual(reply.status, 200);
});

test("mod_oauth2 introspects: a live token opens, a revoked one does not", async () => {
  const { access_token: token } = await ask("/oauth/token", app, { grant_type: "client_credentials", resource });
  const call = (headers) => fetch(`${origin}/api/page.txt`, { headers });
  assert.equal((await call({})).status, 401);
  assert.equal((await call({ authorization: "Bearer cs_at_unknown" })).status, 401);
  const allowed = await call({ authorization: `Bearer ${token}` });
  assert.equal(allowed.status, 200);
  assert.equal(await allowed.text(), "the page in pages/api\n");
  await ask("/oauth/revoke", app, { token });
  assert.equal((await call({ authorization: `Bearer ${token}` })).status, 401);
});
