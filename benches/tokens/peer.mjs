// node-oidc-provider as clients/peer has it, unmodified and in memory, with one confidential app: what is measured beside Countersign.
//
//   node peer.mjs serve ID SECRET PORT          serves until it is ended
//   node peer.mjs sign-in ORIGIN ID SECRET PERSON(JSON)   signs a person in at either server; prints the tokens, and how to go on as that person

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { follow } from "../../clients/node/sign_in.js";

const folder = new URL("../../clients/", import.meta.url);
const REDIRECT = "http://127.0.0.1:4180/callback", API = "http://127.0.0.1:4183/api", VERIFIER = "v".repeat(43);
const [command, ...given] = process.argv.slice(2);

// Its own memory holds 1,000 things and forgets the rest, the measured tokens among them; this one forgets nothing.
const kept = new Map(), uids = new Map();
class Memory {
  constructor(kind) { this.key = (id) => `${kind}:${id}`; }
  async upsert(id, payload) { kept.set(this.key(id), payload); if (payload.uid) uids.set(payload.uid, id); }
  async find(id) { return kept.get(this.key(id)); }
  async findByUid(uid) { return this.find(uids.get(uid)); }
  async consume(id) { kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { kept.delete(this.key(id)); }
}

async function serve(id, secret, port) {
  const { default: Provider } = await import(createRequire(new URL("peer/", folder)).resolve("oidc-provider"));
  const key = JSON.parse(readFileSync(new URL("key.json", folder), "utf8"));
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
      client_id: id, client_secret: secret, redirect_uris: [REDIRECT], token_endpoint_auth_method: "client_secret_post", response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token", "client_credentials"], id_token_signed_response_alg: "ES256",
    }],
    adapter: Memory,
    jwks: { keys: [key] },
    scopes: ["openid"],
    responseTypes: ["code"],
    cookies: { keys: ["one for the benchmark"] },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    rotateRefreshToken: false, // as Countersign does for apps that have a secret: every request can carry the same one
    routes: { authorization: "/oauth/authorize", token: "/oauth/token", introspection: "/oauth/introspect" },
    async loadExistingGrant({ oidc: { provider, client, session, account } }) {
      const known = session.grantIdFor(client.clientId); // codes of other grants than the session's are refused
      if (known) return provider.Grant.find(known);
      const grant = new provider.Grant({ clientId: client.clientId, accountId: account?.accountId ?? session.accountId });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
    features: {
      clientCredentials: { enabled: true }, introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async () => ({ scope: "", audience: API, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }),
      },
    },
  });
  createServer(provider.callback()).listen(port, "127.0.0.1");
}

async function signIn(origin, id, secret, person) {
  const code_challenge = createHash("sha256").update(VERIFIER).digest("base64url");
  const query = { response_type: "code", client_id: id, redirect_uri: REDIRECT, scope: "openid", state: "s", code_challenge, code_challenge_method: "S256" };
  const cookies = new Map();
  const back = await follow(`${origin}/oauth/authorize?${new URLSearchParams(query)}`, REDIRECT, JSON.parse(person), cookies);
  const code = back.searchParams.get("code");
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: VERIFIER, client_id: id, client_secret: secret };
  const tokens = await (await fetch(`${origin}/oauth/token`, { method: "POST", body: new URLSearchParams(form) })).json();
  const again = {
    authorize: `/oauth/authorize?${new URLSearchParams({ ...query, prompt: "none" })}`,
    cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    redeem: new URLSearchParams(Object.entries(form).filter(([name]) => name !== "code")).toString(),
  };
  console.log(JSON.stringify({ ...tokens, again }));
}

await { serve, "sign-in": signIn }[command](...given);
