// Both servers, with a person signed in at each, and what good requests need of them: codes, tokens, references.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { follow } from "../node/sign_in.js";
import { send } from "./ask.js";
import { pair, written } from "./defects.js";
import { startProvider } from "./provider.js";

const { organizations } = JSON.parse(readFileSync(process.env.COUNTERSIGN_WORLD, "utf8"));
const { clients, users } = organizations.find(({ id }) => id === "initech");
const named = (wanted) => clients.find(({ name }) => name === wanted);
export const app = named("Relying Party");
export const device = named("Kitchen Display");
export const redirectUri = app.redirect_uris[0];
export const returnUri = app.metadata.post_logout_redirect_uris[0];
export const verifier = "a-verifier-of-forty-three-characters-or-more";
export const challenge = createHash("sha256").update(verifier).digest("base64url");

export const authorization = () => ({
  response_type: "code", client_id: app.id, redirect_uri: redirectUri, scope: "openid profile", state: "a state", nonce: "a nonce",
  code_challenge: challenge, code_challenge_method: "S256",
});
export const pairs = (values) => Object.entries(values).map(([name, value]) => pair(name, value));
export const credentials = { client_id: app.id, client_secret: app.secret };

class Server {
  constructor(name, origin, person, initialAccessToken) {
    Object.assign(this, { name, origin, person, initialAccessToken, cookies: new Map() });
  }

  get cookie() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  send(request) {
    return send(this.origin, request);
  }

  async post(path, values) {
    const reply = await this.send(written({ method: "POST", path, pairs: pairs({ ...credentials, ...values }) }));
    assert.ok(reply.status < 300, `${this.name} ${path}: ${reply.status} ${reply.text}`);
    return reply.text && JSON.parse(reply.text);
  }

  async code(scope = "openid profile") {
    const query = new URLSearchParams({ ...authorization(), scope });
    if (!scope.includes("openid")) query.delete("nonce");
    const back = await follow(`${this.origin}/oauth/authorize?${query}`, redirectUri, this.person, this.cookies);
    assert.ok(back.searchParams.get("code"), `${this.name}: ${back}`);
    return back.searchParams.get("code");
  }

  async tokens(scope) {
    const code = await this.code(scope);
    return this.post("/oauth/token", { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier });
  }

  pushed() {
    return this.post("/oauth/par", authorization());
  }

  /** Guesses at a secret are counted, and forgiven when a right one comes. */
  forgiven() {
    return this.post("/oauth/revoke", { token: "none" });
  }
}

function ownInitialAccessToken() {
  const { COUNTERSIGN_BIN: binary, COUNTERSIGN_SERVED_DATA: data } = process.env;
  const policy = ["--grant-type", "authorization_code", "--grant-type", "refresh_token", "--scope", "user-basic-info", "--host", "app.example", "--max-clients", "500"];
  const made = execFileSync(binary, ["registration-token", "create", "--organization", "initech", "--name", "Peer", "--data", data, ...policy]);
  return made.toString().split("\n")[0];
}

/** Countersign first. */
export async function bothServers() {
  const key = JSON.parse(readFileSync(new URL("../key.json", import.meta.url), "utf8"));
  const peer = await startProvider([app, device], key);
  const ours = ownInitialAccessToken();
  const servers = [
    new Server("Countersign", process.env.COUNTERSIGN_URL, users[0], async () => ours),
    new Server("node-oidc-provider", peer.origin, { login: "ida", password: "x" }, peer.initialAccessToken),
  ];
  for (const server of servers) await server.code();
  return { servers, stop: peer.stop };
}
