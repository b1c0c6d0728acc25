// The table of endpoints × parameters × defects. Each entry is a good request and the names of its parameters; every
// parameter gets every defect, one at a time.

import { readFileSync } from "node:fs";
import { app, authorization, credentials, device, pairs, redirectUri, returnUri, verifier } from "./servers.js";
import { ofAuthentication, ofForm, ofParameter, typed, written } from "./defects.js";

const post = (path, values) => ({ method: "POST", path, pairs: pairs(values) });

/** What a browser brings; optional parameters stand beside those that every request needs. */
const authorize = (server, more = {}) => ({
  method: "GET", path: "/oauth/authorize", pairs: pairs({ ...authorization(), ...more }), headers: [["cookie", server.cookie]],
});

const OPTIONAL = {
  prompt: "login", max_age: "3600", response_mode: "query", claims: '{"userinfo":{"name":null}}', resource: "http://127.0.0.1:4183/mcp",
  display: "page", ui_locales: "en", login_hint: "ida@initech.test", id_token_hint: "x.y.z", request: "x.y.z",
  request_uri: "urn:ietf:params:oauth:request_uri:none", registration: "{}", acr_values: "1", dpop_jkt: "none",
};
const withOptional = (names, good) => names.map((name) => ({ parameters: [name], good: (server) => good(server, { [name]: OPTIONAL[name] }), suffix: name }));
const token = (values) => async (server) => post("/oauth/token", { ...(await values(server)), ...credentials });

const leave = (more = {}) => ({
  method: "GET", path: "/logout", pairs: pairs({ client_id: app.id, post_logout_redirect_uri: returnUri, state: "a state", ...more }),
});

/** name; the app that an answer can go to; the good request; its parameters; further defects. */
export const endpoints = [
  { name: "authorization", front: true, good: async (server) => authorize(server), parameters: Object.keys(authorization()) },
  ...withOptional(Object.keys(OPTIONAL), async (server, more) => authorize(server, more)).map(({ suffix, ...rest }) => ({ name: `authorization with ${suffix}`, front: true, ...rest })),
  { name: "authorization, pushed", front: true, parameters: ["client_id", "request_uri"],
    good: async (server) => ({ ...authorize(server), pairs: pairs({ client_id: app.id, request_uri: (await server.pushed()).request_uri }) }) },

  { name: "token, client credentials", forms: true, clients: true, parameters: ["grant_type", "client_id", "client_secret", "scope"],
    good: token(async () => ({ grant_type: "client_credentials", scope: "users:readonly" })) },
  { name: "token, code", parameters: ["code", "redirect_uri", "code_verifier", "client_id"],
    good: token(async (server) => ({ grant_type: "authorization_code", code: await server.code(), redirect_uri: redirectUri, code_verifier: verifier })) },
  { name: "token, refresh", parameters: ["refresh_token", "scope"],
    good: token(async (server) => ({ grant_type: "refresh_token", refresh_token: (await server.tokens()).refresh_token, scope: "openid" })) },
  { name: "token, device code", parameters: ["device_code", "client_id"],
    good: async () => post("/oauth/token", { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: "none", client_id: device.id }) },
  { name: "token, password", parameters: [], good: token(async () => ({ grant_type: "password", username: "ida", password: "x" })) },

  { name: "revocation", forms: true, clients: true, parameters: ["token", "token_type_hint", "client_id", "client_secret"],
    good: async () => post("/oauth/revoke", { token: "none", token_type_hint: "access_token", ...credentials }) },
  { name: "introspection", forms: true, clients: true, parameters: ["token", "token_type_hint", "client_id", "client_secret"],
    good: async () => post("/oauth/introspect", { token: "none", token_type_hint: "access_token", ...credentials }) },
  { name: "pushed request", forms: true, clients: true, parameters: [...Object.keys(authorization()), "client_secret"],
    good: async () => post("/oauth/par", { ...authorization(), ...credentials }) },
  ...withOptional(["prompt", "max_age", "response_mode", "claims", "resource", "request", "request_uri", "dpop_jkt"],
    async (_, more) => post("/oauth/par", { ...authorization(), ...credentials, ...more })).map(({ suffix, ...rest }) => ({ name: `pushed request with ${suffix}`, ...rest })),
  { name: "device authorization", forms: true, parameters: ["client_id", "scope"],
    good: async () => post("/oauth/device", { client_id: device.id, scope: "user-basic-info" }) },

  { name: "end session", front: true, parameters: ["client_id", "post_logout_redirect_uri", "state"], good: async () => leave() },
  { name: "end session with id_token_hint", front: true, parameters: ["id_token_hint"], good: async () => leave({ id_token_hint: "x.y.z" }) },
];

// ---- tokens in other places, and JSON -------------------------------------------------------------------------------------

const bearer = (value) => ["authorization", `Bearer ${value}`];
const userinfo = {
  "nothing wrong": (good) => ({ headers: [bearer(good)] }),
  "nothing": () => ({}),
  "an unknown token": () => ({ headers: [bearer("none")] }),
  "no token after Bearer": () => ({ headers: [["authorization", "Bearer"]] }),
  "blanks in the token": () => ({ headers: [bearer("a b")] }),
  "a token of 9 kB": () => ({ headers: [bearer("a".repeat(9_000))] }),
  "Basic": () => ({ headers: [["authorization", "Basic eDp5"]] }),
  "DPoP without a proof": (good) => ({ headers: [["authorization", `DPoP ${good}`]] }),
  "two headers": (good) => ({ headers: [bearer(good), bearer(good)] }),
  "in the query": (good) => ({ query: `?access_token=${good}` }),
  "in header and query": (good) => ({ headers: [bearer(good)], query: `?access_token=${good}` }),
  "in a form": (good) => ({ method: "POST", headers: [typed("application/x-www-form-urlencoded")], body: `access_token=${good}` }),
  "in header and form": (good) => ({ method: "POST", headers: [bearer(good), typed("application/x-www-form-urlencoded")], body: `access_token=${good}` }),
  "by PUT": (good) => ({ method: "PUT", headers: [bearer(good)] }),
  "of a client": (_, client) => ({ headers: [bearer(client)] }),
  "without openid": (_, __, narrow) => ({ headers: [bearer(narrow)] }),
};

const { kty, crv, x, y, kid } = JSON.parse(readFileSync(new URL("../key.json", import.meta.url), "utf8"));
const publicKey = { kty, crv, x, y, kid };
const METADATA = {
  client_name: "Newcomer", redirect_uris: ["https://app.example/callback"], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
  token_endpoint_auth_method: "client_secret_basic", scope: "user-basic-info", client_uri: "https://app.example/", logo_uri: "https://app.example/logo.png",
  policy_uri: "https://app.example/policy", tos_uri: "https://app.example/tos", contacts: ["dev@app.example"], default_max_age: 60,
  id_token_signed_response_alg: "ES256", post_logout_redirect_uris: ["https://app.example/bye"], jwks: { keys: [publicKey] },
  dpop_bound_access_tokens: true, require_pushed_authorization_requests: true, application_type: "web",
};
const types = {
  "a number": 7, "true": true, "null": null, "an object": { a: 1 }, "a list of numbers": [7], "an empty list": [], "an empty text": "", "a text": "another", "a list of texts": ["another"], "oversized": "a".repeat(9_000),
};
const register = {
  "nothing wrong": () => JSON.stringify(METADATA), "an empty body": () => "", "no JSON": () => "{", "a list": () => "[]", "a number": () => "7", "null": () => "null",
  "an empty object": () => "{}", "a member twice": () => '{"client_name":"a","client_name":"b","redirect_uris":["https://app.example/callback"]}',
  "of 100 kB": () => JSON.stringify({ ...METADATA, padding: "a".repeat(100_000) }), "an unknown member": () => JSON.stringify({ ...METADATA, magic: 1 }),
};
const addresses = {
  "with a fragment": ["https://app.example/callback#x"], "plain http": ["http://app.example/callback"], "a script": ["javascript:alert(1)"], "no address": ["callback"], "a wildcard": ["https://*.example/"],
  "on localhost": ["http://localhost/callback"],
};
const doors = {
  "without a token": () => [], "an unknown token": () => [bearer("none")], "the token as Basic": (good) => [["authorization", `Basic ${btoa(`${good}:`)}`]],
  "the token twice": (good) => [bearer(good), bearer(good)],
};

/** Every request: its endpoint, its parameter, its defect, and how it is made for one server. */
export function* requests() {
  for (const { name, good, parameters, forms, clients, front } of endpoints) {
    const make = (change) => async (server) => change(await good(server));
    yield { endpoint: name, parameter: "", defect: "nothing wrong", front, make: make(written) };
    for (const parameter of parameters) {
      for (const [defect, change] of Object.entries(ofParameter)) {
        yield { endpoint: name, parameter, defect, front, make: make((request) => written({ ...request, pairs: change(request.pairs, parameter) })) };
      }
    }
    for (const [defect, change] of Object.entries(forms ? ofForm : {})) yield { endpoint: name, parameter: "", defect, make: make(change) };
    for (const [defect, change] of Object.entries(clients ? ofAuthentication(app) : {})) yield { endpoint: name, parameter: "client", defect, make: make(change) };
  }
  for (const [defect, change] of Object.entries(userinfo)) {
    yield { endpoint: "userinfo", parameter: "access token", defect, make: async (server) => {
      const own = await server.post("/oauth/token", { grant_type: "client_credentials" });
      const [good, narrow] = [await server.tokens(), defect === "without openid" ? await server.tokens("user-basic-info") : {}];
      const { method = "GET", query = "", ...rest } = change(good.access_token, own.access_token, narrow.access_token);
      return { method, path: `/oauth/userinfo${query}`, ...rest };
    } };
  }
  const json = (headers, body) => ({ method: "POST", path: "/oauth/register", headers: [...headers, typed("application/json")], body });
  const registering = (body) => async (server) => json([bearer(await server.initialAccessToken())], body);
  for (const [defect, body] of Object.entries(register)) yield { endpoint: "registration", parameter: "", defect, make: registering(body()) };
  for (const [defect, headers] of Object.entries(doors)) {
    yield { endpoint: "registration", parameter: "token", defect, make: async (server) => json(headers(await server.initialAccessToken()), JSON.stringify(METADATA)) };
  }
  for (const parameter of Object.keys(METADATA)) {
    for (const [defect, value] of Object.entries(types)) {
      yield { endpoint: "registration", parameter, defect, make: registering(JSON.stringify({ ...METADATA, [parameter]: value })) };
    }
  }
  for (const [defect, redirect_uris] of Object.entries(addresses)) {
    yield { endpoint: "registration", parameter: "redirect_uris", defect, make: registering(JSON.stringify({ ...METADATA, redirect_uris })) };
  }
}
