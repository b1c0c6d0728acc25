// An MCP server that is an OAuth resource server of Countersign: it says where tokens come from (RFC 9728), asks what they are worth (RFC 7662), and
// which scopes a tool needs beyond them.
//
//   ISSUER=http://127.0.0.1:8080 CLIENT_ID=… CLIENT_SECRET=… node server.js

import { pathToFileURL } from "node:url";
import express from "express";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from "@modelcontextprotocol/sdk/server/auth/router.js";

/** What every call needs, and what a tool needs more. */
const SCOPES = ["user-basic-info"];
const SCOPES_OF_TOOLS = { colleagues: ["user-basic-info", "users:readonly"] };

/** Serves the tools at `resource`, the address that this server is registered for (`resources` in its client's metadata). */
export async function serve({ issuer, resource, clientId, clientSecret }) {
  const app = express();
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
  const resourceServerUrl = new URL(resource);
  app.use(mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl, scopesSupported: SCOPES, resourceName: "Directory tools" }));
  app.use(express.json());

  const verifier = { verifyAccessToken: (token) => introspect(metadata.introspection_endpoint, { clientId, clientSecret }, token) };
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resourceServerUrl);
  const guard = (requiredScopes) => requireBearerAuth({ verifier, requiredScopes, resourceMetadataUrl, expectedResource: resource });
  app.post(
    resourceServerUrl.pathname,
    (request, reply, next) => guard(scopesOf(request.body))(request, reply, next),
    async (request, reply) => {
      const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
      const server = tools();
      reply.on("close", () => server.close());
      await server.connect(transport);
      await transport.handleRequest(request, reply, request.body);
    },
  );
  app.all(resourceServerUrl.pathname, (_, reply) => reply.status(405).set("allow", "POST").end());
  return new Promise((resolve) => {
    const listening = app.listen(Number(resourceServerUrl.port), resourceServerUrl.hostname, () => resolve(listening));
  });
}

const scopesOf = (message) => (message?.method === "tools/call" && SCOPES_OF_TOOLS[message.params?.name]) || SCOPES;

/** RFC 7662: what a token is worth now. Countersign answers about this instant, so nothing is kept. */
async function introspect(endpoint, { clientId, clientSecret }, token) {
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
  const answer = await fetch(endpoint, { method: "POST", headers: { authorization }, body: new URLSearchParams({ token }) });
  if (!answer.ok) throw new Error(`introspection failed: ${answer.status}`);
  const told = await answer.json();
  if (!told.active) throw new InvalidTokenError("The token is not active");
  const { client_id, scope = "", exp, aud, sub, org } = told;
  return { token, clientId: client_id, scopes: scope.split(" "), expiresAt: exp, resource: aud[0], extra: { sub, org } };
}

function tools() {
  const server = new McpServer({ name: "directory", version: "1.0.0" });
  const text = (value) => ({ content: [{ type: "text", text: JSON.stringify(value) }] });
  server.registerTool("whoami", { description: "Who you are, as the token says" }, ({ authInfo }) =>
    text({ person: authInfo.extra.sub, organization: authInfo.extra.org, app: authInfo.clientId }),
  );
  server.registerTool("colleagues", { description: "Needs one scope more than the rest" }, ({ authInfo }) => text({ scopes: authInfo.scopes }));
  return server;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { ISSUER, CLIENT_ID, CLIENT_SECRET, RESOURCE = "http://127.0.0.1:4183/mcp" } = process.env;
  await serve({ issuer: ISSUER, resource: RESOURCE, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
  console.log(`serving ${RESOURCE}`);
}
