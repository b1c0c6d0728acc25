// node-oidc-provider as it comes, configured as far as it can be to offer what Countersign offers: the same paths, clients,
// scopes, grants and the same demand for PKCE. What it keeps, it keeps in memory.

import { createServer } from "node:http";

/** What the world file calls otherwise than the standards. */
const GRANT_TYPES = { device_code: "urn:ietf:params:oauth:grant-type:device_code" };
const RESOURCE = "http://127.0.0.1:4183/mcp";
const SCOPES = ["openid", "profile", "email", "offline_access", "user-basic-info", "users:readonly"];

function registration({ id, name, secret, redirect_uris = [], grant_types, metadata = {} }) {
  const { post_logout_redirect_uris = [] } = metadata;
  return {
    client_id: id, client_name: name, client_secret: secret, redirect_uris, post_logout_redirect_uris,
    token_endpoint_auth_method: secret ? "client_secret_post" : "none",
    grant_types: grant_types.map((name) => GRANT_TYPES[name] ?? name).filter((name) => !["jwt_bearer", "token_exchange"].includes(name)),
    response_types: redirect_uris.length ? ["code"] : [],
    id_token_signed_response_alg: "ES256",
  };
}

function configuration(clients, key) {
  return {
    clients: clients.map(registration),
    jwks: { keys: [key] },
    scopes: SCOPES,
    claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
    responseTypes: ["code"],
    allowOmittingSingleRegisteredRedirectUri: true,
    pkce: { required: () => true },
    issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    cookies: { keys: ["one for the tests"] },
    findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id, name: id, email: `${id}@initech.test` }) }),
    // everybody has consented to everything
    async loadExistingGrant({ oidc: { provider, client, session, account } }) {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: account?.accountId ?? session.accountId });
      grant.addOIDCScope(SCOPES.join(" "));
      grant.addOIDCClaims(["name", "email"]);
      grant.addResourceScope(RESOURCE, "user-basic-info users:readonly");
      await grant.save();
      return grant;
    },
    routes: {
      authorization: "/oauth/authorize", token: "/oauth/token", introspection: "/oauth/introspect", revocation: "/oauth/revoke",
      pushed_authorization_request: "/oauth/par", device_authorization: "/oauth/device", registration: "/oauth/register",
      userinfo: "/oauth/userinfo", end_session: "/logout", jwks: "/oauth/jwks",
    },
    features: {
      claimsParameter: { enabled: true }, clientCredentials: { enabled: true }, deviceFlow: { enabled: true },
      introspection: { enabled: true }, revocation: { enabled: true }, requestObjects: { enabled: true },
      registration: { enabled: true, initialAccessToken: true }, registrationManagement: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (_, resource) => {
          if (resource !== RESOURCE) throw new InvalidTarget();
          return { scope: "user-basic-info users:readonly" };
        },
      },
    },
  };
}

let InvalidTarget;

/** Starts it; returns its origin, a maker of tokens with which apps register, and the way to stop it. */
export async function startProvider(clients, key) {
  // it prints advice about production where it is imported and made
  for (const kind of ["info", "warn"]) console[kind] = () => {};
  const { Provider, errors } = await import("oidc-provider");
  InvalidTarget = errors.InvalidTarget;
  let handle;
  const server = createServer((request, response) => handle(request, response));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(origin, configuration(clients, key));
  handle = provider.callback();
  return { origin, initialAccessToken: () => new provider.InitialAccessToken({}).save(), stop: () => server.close() };
}
