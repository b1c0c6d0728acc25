// An unmodified MCP client finds out where to sign in, signs in, calls a tool, asks for more once when a tool needs it, and loses all on revocation.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { follow } from "../../clients/node/sign_in.js";
import { serve } from "./server.js";

const issuer = process.env.COUNTERSIGN_URL;
const { organizations } = JSON.parse(readFileSync(process.env.COUNTERSIGN_WORLD, "utf8"));
const { clients, users } = organizations.find(({ id }) => id === "initech");
const app = (name) => clients.find((client) => client.name === name);
const toolServer = app("Tool Server");
const [resource] = toolServer.metadata.resources;

let listening;
before(async () => {
  listening = await serve({ issuer, resource, clientId: toolServer.id, clientSecret: toolServer.secret });
});
after(() => listening.close());

/** What an application gives the SDK: its registration, and where it keeps things. */
class Agent {
  asked = [];
  get redirectUrl() { return app("Agent").redirect_uris[0]; }
  get clientMetadata() { return { redirect_uris: [this.redirectUrl], token_endpoint_auth_method: "none" }; }
  clientInformation() { return { client_id: app("Agent").id }; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
  redirectToAuthorization(url) { this.asked.push(url); }

  /** The person follows the newest address and comes back with a code. */
  async signIn() {
    const back = await follow(this.asked.at(-1).href, this.redirectUrl, users[0]);
    assert.equal(back.searchParams.get("iss"), issuer, "RFC 9207");
    return back.searchParams.get("code");
  }
}

/** Runs `use` with a connected client; signs in as often as the server asks. */
async function connected(agent, use) {
  for (;;) {
    const client = new Client({ name: "agent", version: "1.0.0" });
    const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: agent });
    try {
      await client.connect(transport);
      return await use(client);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await transport.finishAuth(await agent.signIn());
    } finally {
      await client.close();
    }
  }
}

const call = async (client, name) => JSON.parse((await client.callTool({ name })).content[0].text);

test("the client finds the authorization server, signs in with PKCE for this resource, and calls a tool", async () => {
  const agent = new Agent();
  const told = await connected(agent, (client) => call(client, "whoami"));
  assert.deepEqual([told.organization, told.app], ["initech", app("Agent").id]);
  const [asked] = agent.asked.map((url) => url.searchParams);
  assert.equal(agent.asked[0].origin, issuer);
  assert.deepEqual([asked.get("resource"), asked.get("code_challenge_method")], [resource, "S256"]);
  assert.equal(agent.asked.length, 1);
});

test("a tool that needs another scope is stepped up to once, and then works", async () => {
  const agent = new Agent();
  const told = await connected(agent, (client) => call(client, "colleagues"));
  assert.deepEqual(told.scopes.toSorted(), ["user-basic-info", "users:readonly"]);
  assert.deepEqual(agent.asked.map((url) => url.searchParams.get("scope")), ["user-basic-info", "user-basic-info users:readonly"]);
});

test("a token that was given back, and one for another API, open nothing", async () => {
  const agent = new Agent();
  await connected(agent, (client) => call(client, "whoami"));
  const post = (token) => fetch(resource, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
  });
  const { access_token } = agent.tokens();
  assert.equal((await post(access_token)).status, 200);
  const api = await fetch(`${issuer}/api/v2/users/me`, { headers: { authorization: `Bearer ${access_token}` } });
  assert.equal(api.status, 401, "a token for the tools is none for the platform API");
  const form = new URLSearchParams({ token: access_token, client_id: app("Agent").id });
  assert.equal((await fetch(`${issuer}/oauth/revoke`, { method: "POST", body: form })).status, 200);
  const refused = await post(access_token);
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("www-authenticate"), /resource_metadata="[^"]+\/\.well-known\/oauth-protected-resource\/mcp"/);
});
