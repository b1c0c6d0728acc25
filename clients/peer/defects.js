// What can be wrong with one parameter, and with a request as a whole.

/** A parameter is a name and a value, and the text of both once a defect has written it out. */
export const pair = (name, value) => ({ name, value, text: `${encodeURIComponent(name)}=${encodeURIComponent(value)}` });
const raw = (name, text) => ({ name, text });
export const form = (pairs) => pairs.map(({ text }) => text).join("&");

const at = (pairs, name, replace) => pairs.flatMap((each) => (each.name === name ? replace(each) : [each]));

/** Each takes the good pairs and the name of one; what it returns is wrong in one way. */
export const ofParameter = {
  missing: (pairs, name) => at(pairs, name, () => []),
  empty: (pairs, name) => at(pairs, name, () => [pair(name, "")]),
  doubled: (pairs, name) => at(pairs, name, (good) => [good, good]),
  "doubled, otherwise": (pairs, name) => at(pairs, name, (good) => [good, pair(name, "another")]),
  oversized: (pairs, name) => at(pairs, name, () => [pair(name, "a".repeat(9_000))]),
  "another value": (pairs, name) => at(pairs, name, () => [pair(name, "another")]),
  "a list": (pairs, name) => at(pairs, name, ({ value }) => [pair(`${name}[]`, value)]),
  "not text": (pairs, name) => at(pairs, name, () => [raw(name, `${name}=%FF%00`)]),
  "in capitals": (pairs, name) => at(pairs, name, ({ value }) => [pair(name.toUpperCase(), value)]),
};

const FORM = "application/x-www-form-urlencoded";
export const typed = (type) => ["content-type", type];

/** Good pairs as a request: in the query, or in a form. */
export function written({ method, path, headers = [], pairs }) {
  if (method === "GET") return { method, path: pairs.length ? `${path}?${form(pairs)}` : path, headers };
  return { method, path, headers: [...headers, typed(FORM)], body: form(pairs) };
}

/** What can be wrong with a form that clients send. */
export const ofForm = {
  "in the query": ({ path, headers = [], pairs }) => ({ method: "POST", path: `${path}?${form(pairs)}`, headers }),
  "in query and body": (good) => ({ ...written(good), path: `${good.path}?${form(good.pairs)}` }),
  "by GET": (good) => written({ ...good, method: "GET" }),
  "by PUT": (good) => ({ ...written(good), method: "PUT" }),
  "as JSON": ({ path, headers = [], pairs }) => ({
    method: "POST", path, headers: [...headers, typed("application/json")],
    body: JSON.stringify(Object.fromEntries(pairs.map(({ name, value }) => [name, value]))),
  }),
  "as plain text": (good) => ({ ...written(good), headers: [...(good.headers ?? []), typed("text/plain")] }),
  "without a media type": (good) => ({ ...written(good), headers: good.headers ?? [] }),
  "in UTF-16": (good) => ({ ...written(good), headers: [...(good.headers ?? []), typed(`${FORM}; charset=utf-16`)] }),
  "without a body": (good) => ({ ...written(good), body: "" }),
  "of 100 kB": (good) => ({ ...written(good), body: `${form(good.pairs)}&padding=${"a".repeat(100_000)}` }),
  "of 200 parameters": (good) => ({ ...written(good), body: `${form(good.pairs)}${"&x=1".repeat(200)}` }),
};

const basic = (id, secret) => ["authorization", `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`];
const without = (good) => ({ ...good, pairs: good.pairs.filter(({ name }) => !["client_id", "client_secret"].includes(name)) });

/** What can be wrong with how a client says who it is. */
export const ofAuthentication = ({ id, secret }) => ({
  "a wrong secret": (good) => written({ ...without(good), headers: [basic(id, "wrong")] }),
  "an unknown client": (good) => written({ ...without(good), headers: [basic("1a40c1c0-ffff-4000-8000-000000000000", secret)] }),
  "nobody": (good) => written(without(good)),
  "header and body": (good) => written({ ...good, headers: [basic(id, secret)] }),
  "two headers": (good) => written({ ...without(good), headers: [basic(id, secret), basic(id, secret)] }),
  "Basic without base64": (good) => written({ ...without(good), headers: [["authorization", "Basic ***"]] }),
  "Basic without a colon": (good) => written({ ...without(good), headers: [["authorization", `Basic ${btoa(id)}`]] }),
  "Bearer": (good) => written({ ...without(good), headers: [["authorization", "Bearer x"]] }),
  "Digest": (good) => written({ ...without(good), headers: [["authorization", "Digest username=x"]] }),
  "an assertion that is none": (good) => written({
    ...without(good), pairs: [...without(good).pairs, pair("client_id", id), pair("client_assertion", "x.y.z"),
      pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")],
  }),
});
