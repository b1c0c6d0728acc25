// An unmodified MCP client that nobody registered: it finds out where to sign in, is known by its metadata document, is approved, signs a person in with
// their consent, calls a tool, asks for more once when a tool needs it, and loses all on revocation.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { after, before, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { follow, walk } from "../../clients/node/sign_in.js";
import { serve } from "./server.js";

const issuer = process.env.COUNTERSIGN_URL;
const { organizations } = JSON.parse(readFileSync(process.env.COUNTERSIGN_WORLD, "utf8"));
const { clients, users } = organizations.find(({ id }) => id === "initech");
const [person, approver] = users;
const toolServer = clients.find(({ name }) => name === "Tool Server");
const [resource] = toolServer.metadata.resources;

/** The document that the agent is known by. It asks for no refresh tokens: the SDK would renew a token, with the scopes it had, where a tool asks for more. */
const agentId = "https://localhost:4187/agent.json";
const document = {
  client_id: agentId,
  client_name: "Agent",
  redirect_uris: ["http://127.0.0.1:4184/callback"],
  grant_types: ["authorization_code"],
  token_endpoint_auth_method: "none",
  scope: "user-basic-info users:readonly",
};

let tools, published;
before(async () => {
  tools = await serve({ issuer, resource, clientId: toolServer.id, clientSecret: toolServer.secret });
  const tls = { cert: readFileSync(process.env.AGENT_CERTIFICATE), key: readFileSync(process.env.AGENT_KEY) };
  published = createServer(tls, (request, reply) => {
    const isDocument = request.url === "/agent.json";
    reply.writeHead(isDocument ? 200 : 404, { "content-type": "application/json" }).end(isDocument ? JSON.stringify(document) : "{}");
  });
  await new Promise((resolve) => published.listen(4187, "127.0.0.1", resolve));
  // RFC 7636 appendix B; nobody redeems this code.
  const challenge = { code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" };
  const request = { client_id: agentId, redirect_uri: document.redirect_uris[0], scope: document.scope, ...challenge };
  const back = await walk(issuer, request, approver);
  assert.ok(back.code, "an administrator approves the agent once");
});
after(() => {
  tools.close();
  published.close();
});

/** What an application gives the SDK: the address of its document, and where it keeps things. */
class Agent {
  asked = [];
  get clientMetadataUrl() { return agentId; }
  get redirectUrl() { return document.redirect_uris[0]; }
  get clientMetadata() { return document; }
  clientInformation() { return this.known; }
  saveClientInformation(known) { this.known = known; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
  redirectToAuthorization(url) { this.asked.push(url); }

  /** The person follows the newest address and comes back with a code. */
  async signIn() {
    const back = await follow(this.asked.at(-1).href, this.redirectUrl, person);
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

test("e28: the client finds the authorization server, is known by its document, signs in with PKCE for this resource, and calls a tool", async () => {
  const agent = new Agent();
  const told = await connected(agent, (client) => call(client, "whoami"));
  assert.deepEqual([told.organization, told.app], ["initech", agentId]);
  const [asked] = agent.asked.map((url) => url.searchParams);
  assert.equal(agent.asked[0].origin, issuer);
  assert.deepEqual([asked.get("client_id"), asked.get("resource"), asked.get("code_challenge_method")], [agentId, resource, "S256"]);
  assert.equal(agent.tokens().refresh_token, undefined, "its document asks for none");
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
  const form = new URLSearchParams({ token: access_token, client_id: agentId });
  assert.equal((await fetch(`${issuer}/oauth/revoke`, { method: "POST", body: form })).status, 200);
  const refused = await post(access_token);
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("www-authenticate"), /resource_metadata="[^"]+\/\.well-known\/oauth-protected-resource\/mcp"/);
});
