// Sends one request as it is, and says in one line what became of it: a status and, where there is one, the error code.

import { request } from "node:http";

/** Bytes go out as they are written here: nothing is corrected, doubled headers stay doubled. */
export function send(origin, { method, path, headers = [], body }) {
  const { hostname, port } = new URL(origin);
  const lines = ["host", `${hostname}:${port}`, ...headers.flat()];
  if (body !== undefined) lines.push("content-length", String(Buffer.byteLength(body)));
  return new Promise((answered, failed) => {
    const asked = request({ hostname, port, method, path, headers: lines, agent: false }, (reply) => {
      const chunks = [];
      reply.on("data", (chunk) => chunks.push(chunk)).on("error", failed);
      reply.on("end", () => answered({ status: reply.statusCode, headers: reply.headers, text: Buffer.concat(chunks).toString() }));
    });
    asked.on("error", failed).end(body);
  });
}

/** `400 invalid_request`, `to the app: access_denied`, `goes on` (with a page for the person), `200`. */
export function outcome({ status, headers, text }, app) {
  const { location } = headers;
  if (location && app && location.startsWith(app)) return `to the app: ${told(new URL(location).searchParams)}`;
  if (location) return "goes on";
  const type = headers["content-type"] ?? "";
  if (type.includes("json")) return [status, parsed(text)?.error ?? challenge(headers)].filter(Boolean).join(" ");
  if (!type.includes("html")) return [status, challenge(headers)].filter(Boolean).join(" ");
  if (status === 200) {
    const posted = app && new RegExp(`action="${app.replace(/[.*+?^$()|[\]\\]/g, "\\$&")}`).test(text);
    return posted ? `to the app: ${/name="error"\s+value="(\w+)"/.exec(text)?.[1] ?? "a code"}` : "goes on";
  }
  const code = /<dd><code>(\w+)<\/code>|<strong>error<\/strong>: (\w+)/.exec(text);
  return [status, code?.[1] ?? code?.[2]].filter(Boolean).join(" ");
}

const told = (parameters) => parameters.get("error") ?? (parameters.has("code") ? "a code" : "back");
const challenge = (headers) => /error="(\w+)"/.exec(headers["www-authenticate"] ?? "")?.[1];
const parsed = (text) => { try { return JSON.parse(text); } catch { return undefined; } };
