// The same bad requests to Countersign and to node-oidc-provider: each difference is explained in
// docs/reference/differences-from-node-oidc-provider.md, and nothing else is.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { outcome } from "./ask.js";
import { outdated, page, unexplained } from "./reference.js";
import { requests } from "./requests.js";
import { bothServers, redirectUri, returnUri } from "./servers.js";

const FILE = new URL("../../docs/reference/differences-from-node-oidc-provider.md", import.meta.url);
const asked = [];
let both;

const appOf = ({ front, endpoint }) => front && (endpoint.startsWith("end session") ? returnUri : redirectUri);

before(async () => {
  both = await bothServers();
  const [countersign, peer] = both.servers;
  for (const { make, ...request } of requests()) {
    const answer = async (server) => server.send(await make(server));
    const [own, other] = [await answer(countersign), await answer(peer)];
    if (own.status === 401) await countersign.forgiven();
    asked.push({ ...request, status: own.status, ours: outcome(own, appOf(request)), theirs: outcome(other, appOf(request)) });
  }
});
after(() => both?.stop());

const differences = () => asked.filter(({ ours, theirs }) => ours !== theirs);

test("no request breaks the server or is put off", () => {
  assert.deepEqual(asked.filter(({ status }) => status >= 500 || status === 429), []);
});

test("what is asked with nothing wrong is answered alike, or the difference is explained", () => {
  const controls = asked.filter(({ defect }) => defect === "nothing wrong");
  assert.ok(controls.length > 30 && controls.filter(({ ours, theirs }) => ours === theirs).length > 20, "the two are not configured alike");
});

test("each difference is explained, and each explanation is of a difference", () => {
  assert.deepEqual(unexplained(differences()), []);
  assert.deepEqual(outdated(differences()).map(({ title }) => title), []);
});

test("the page in the reference lists exactly these", () => {
  const made = page(asked.length, differences());
  if (process.env.COUNTERSIGN_WRITE_REFERENCE === "1") writeFileSync(FILE, made);
  assert.equal(readFileSync(FILE, "utf8"), made, "see clients/peer/reference.js for how the page is written again");
});
