// A service that signs policies, tells them again only where they changed, and takes what was decided by them.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

export const API_KEY = "aig_test_0123456789";
const TABLE = JSON.parse(readFileSync(new URL("../test/decisions.json", import.meta.url), "utf8"));
const EVERY_MS = 10;
const HOUR_MS = 3_600_000;
const RAW_BYTES = 32;

export function fingerprintOf(apiKey) {
  return createHash("sha256").update(apiKey).digest("hex").slice(0, 16);
}

export class Signer {
  keys = [generateKeyPairSync("ed25519")];
  revision = 1;
  policies = {};
  rules = {};
  needsService = [];
  fingerprint = fingerprintOf(API_KEY);
  fromNowMs = 0;
  /** The bundle as it is sent is changed by this last. */
  forge = (body, signature) => [body, signature];
  status = 200;
  reconciled = [];
  asked = [];
  answer = (entry) => ({ status: 200, id: entry.id, allowed: entry.allowed, agrees: true });

  async start() {
    this.server = createServer((request, response) => {
      const pieces = [];
      request.on("data", (piece) => pieces.push(piece));
      request.on("end", () => this.#answer(request, Buffer.concat(pieces).toString(), response));
    });
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get pin() {
    return raw(this.keys[0].publicKey).toString("base64");
  }

  bundle() {
    const now = Date.now() + this.fromNowMs;
    const { bundle } = TABLE[0];
    return JSON.stringify({
      ...bundle,
      policies: { ...bundle.policies, ...this.policies },
      rules: this.rules,
      needs_service: this.needsService,
      key_fingerprint: this.fingerprint,
      revision: this.revision,
      issued_at: new Date(now).toISOString(),
      not_after: new Date(now + 25 * HOUR_MS).toISOString(),
    });
  }

  #answer(request, text, response) {
    this.asked.push({ path: request.url, headers: request.headers, body: text });
    const path = request.url.split("?")[0];
    if (path === "/v1/policy/bundle") return this.#serve(request, response);
    if (path === "/v1/policy/bundle-keys") return send(response, 200, { keys: this.#published() });
    if (path === "/v1/decisions/reconcile") {
      const { decisions } = JSON.parse(text);
      if (this.status === 200) this.reconciled.push(...decisions);
      return send(response, this.status, { results: decisions.map((entry) => this.answer(entry)) });
    }
    const checked = (check) => ({ allowed: check.operation !== "denied", reason: "ok", reasons: [], decision_id: "dec_1" });
    const parsed = JSON.parse(text);
    if (path === "/v1/check") return send(response, this.status, checked(parsed));
    return send(response, this.status, { results: parsed.checks.map((check) => ({ status: 200, decision: checked(check) })) });
  }

  #serve(request, response) {
    const until = Date.now() + 1000 * Number(new URL(request.url, this.url).searchParams.get("wait") ?? 0);
    this.#whenChanged(request.headers["if-none-match"], until, (etag) => this.#sendBundle(etag, response));
  }

  #whenChanged(known, until, done) {
    const etag = `"${this.revision}-${this.keys.length}"`;
    if (etag !== known || this.status !== 200) return done(etag);
    if (Date.now() >= until) return done(undefined);
    setTimeout(() => this.#whenChanged(known, until, done), EVERY_MS).unref();
  }

  #sendBundle(etag, response) {
    if (this.status !== 200) return send(response, this.status, { code: "missing_scope", detail: "This key lacks the scope policies:read." });
    if (etag === undefined) return response.writeHead(304).end();
    const signer = this.keys.at(-1);
    const body = this.bundle();
    const signed = `${idOf(signer.publicKey)}=${sign(null, Buffer.from(body), signer.privateKey).toString("base64")}`;
    const [forged, under] = this.forge(body, signed);
    return send(response, 200, forged, { ETag: etag, "Policy-Signature": under });
  }

  #published() {
    return this.keys.map((key, place) => {
      const before = this.keys[place - 1];
      const publicKey = raw(key.publicKey).toString("base64");
      const predecessor = before === undefined ? null : idOf(before.publicKey);
      const statement = JSON.stringify({ kind: "policy-bundle-key/1", predecessor, public_key: publicKey });
      const by = before && sign(null, Buffer.from(statement), before.privateKey).toString("base64");
      return { id: idOf(key.publicKey), public_key: publicKey, statement, predecessor_signature: by ?? null };
    });
  }
}

function raw(publicKey) {
  return publicKey.export({ format: "der", type: "spki" }).subarray(-RAW_BYTES);
}

function idOf(publicKey) {
  return createHash("sha256").update(raw(publicKey)).digest("hex").slice(0, 16);
}

function send(response, status, content, headers = {}) {
  const body = typeof content === "string" ? content : JSON.stringify(content);
  response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(body);
}
