import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { ApiError, BlockedError, Client, ConfigurationError, ContentRefusedError, RateLimitedError, UnavailableError } from "../dist/esm/index.js";

const KEY = "aig_test_0123456789";
const CHECK = { model: "gpt-4o", operation: "chat", metadata: { contains_personal_data: false } };
const ALLOWED = { allowed: true, reason: "ok", reasons: [], decision_id: "dec_1", risk_score: 0, policy_version: 1 };
const REASON = { code: "pii", policy: "p", points: 70, blocks: true, message: "m", fix: "Remove it." };
const BLOCKED = { ...ALLOWED, allowed: false, reason: "pii", reasons: [REASON] };
const open = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A service that answers with these in turn, the last for good: [status, body, headers], or null to say nothing. */
async function service(...answers) {
  const seen = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      seen.push({ path: request.url, headers: request.headers, body: body === "" ? undefined : JSON.parse(body) });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === null) return;
      const [status, value, headers] = answer;
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(typeof value === "string" ? value : JSON.stringify(value));
    });
  });
  return { seen, url: await listening(server) };
}

async function listening(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.closeAllConnections?.();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${server.address().port}`;
}

function client(baseUrl, options = {}) {
  const spoolFolder = mkdtempSync(join(tmpdir(), "aig-"));
  const made = new Client({ baseUrl, apiKey: KEY, spoolFolder, ...options });
  open.unshift(() => made.close());
  open.push(() => rmSync(spoolFolder, { recursive: true, force: true }));
  return made;
}

test("a check is decided by the service, with a key for a retry and no more than facts", async () => {
  const { seen, url } = await service([200, BLOCKED]);

  const decision = await client(url).check(CHECK);

  assert.deepEqual([decision.allowed, decision.reason, decision.decidedBy], [false, "pii", "service"]);
  assert.deepEqual([decision.decisionId, decision.fixes], ["dec_1", ["Remove it."]]);
  assert.throws(() => decision.throwIfBlocked(), BlockedError);
  assert.deepEqual(seen[0].body, CHECK);
  assert.match(seen[0].headers["idempotency-key"], /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(seen[0].headers["user-agent"], /^ai-governance-client\/\d+\.\d+\.\d+ node\/\d+/);
});

for (const [name, first] of [
  ["503", [503, { code: "busy" }]],
  ["429 for a moment", [429, { code: "rate_limited" }, { "Retry-After": "0" }]],
]) {
  test(`one retry after ${name}, under the same key`, async () => {
    const { seen, url } = await service(first, [200, ALLOWED]);

    const decision = await client(url).check(CHECK);

    assert.equal(decision.allowed, true);
    assert.equal(seen.length, 2);
    assert.equal(seen[0].headers["idempotency-key"], seen[1].headers["idempotency-key"]);
  });
}

test("each code is an error of its own, and is not asked again", async () => {
  const problem = { code: "content_refused", detail: "Remove it.", request_id: "req_1", errors: [{ path: "prompt", detail: "no" }] };
  const { seen, url } = await service([400, problem]);

  await assert.rejects(client(url).check(CHECK), (error) => {
    assert.ok(error instanceof ContentRefusedError && error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.requestId, error.fields[0].path], [400, "content_refused", "req_1", "prompt"]);
    return true;
  });
  assert.equal(seen.length, 1);
});

test("a limit that lasts is an answer: it throws at once and onUnavailable is not asked", async () => {
  const { seen, url } = await service([429, { code: "rate_limited" }, { "Retry-After": "30" }]);

  const checking = client(url, { onUnavailable: "allow_and_report" }).check(CHECK);

  await assert.rejects(checking, (error) => error instanceof RateLimitedError && error.retryAfterMs === 30_000);
  assert.equal(seen.length, 1);
});

for (const [mode, allowed] of [
  ["block", false],
  ["allow_and_report", true],
  [(request) => request.operation === "chat", true],
  [() => "yes", false],
  [() => Promise.reject(new Error("no")), false],
]) {
  test(`without the service ${mode} decides, and says so`, async () => {
    const without = client("http://127.0.0.1:1", { onUnavailable: mode });

    const decision = await without.check(CHECK);

    assert.deepEqual([decision.allowed, decision.decidedBy, decision.reason], [allowed, "sdk", "service_unavailable"]);
    assert.equal(decision.unavailableBecause, "ECONNREFUSED");
    assert.equal(without.waiting, 1);
  });
}

for (const [declared, chosen, allowed, mode] of [
  ["allow_and_report", undefined, true, "allow_and_report"],
  ["block", undefined, false, "block"],
  [undefined, undefined, false, "block"],
  ["a mode of tomorrow", undefined, false, "block"],
  ["block", "allow_and_report", false, "block"],
  ["block", () => true, false, "block"],
  ["allow_and_report", "block", false, "block"],
  ["allow_and_report", () => true, true, "custom"],
]) {
  test(`of ${declared}, which the policies declare, and ${chosen}, which was chosen, the stricter holds`, async () => {
    const away = [503, { code: "service_unavailable" }];
    const { seen, url } = await service([200, { ...ALLOWED, on_unreachable: declared }], away, away, [200, { results: [{ status: 200 }] }]);
    const asking = client(url, { onUnavailable: chosen });
    await asking.check({ ...CHECK, operation: "Fine-Tuning" });

    const decision = await asking.check({ ...CHECK, operation: "fine_tuning" });

    assert.deepEqual([decision.allowed, decision.decidedBy, decision.onUnreachable], [allowed, "sdk", declared]);
    await asking.reconcile();
    assert.equal(seen.at(-1).body.decisions[0].mode, mode);
  });
}

test("what the policies declare no longer holds once an answer says so, also one of a batch", async () => {
  const away = [503, { code: "service_unavailable" }];
  const batch = (decision) => [200, { results: [{ status: 200, decision }] }];
  const { url } = await service(batch({ ...ALLOWED, on_unreachable: "allow_and_report" }), away, away, batch(ALLOWED), away);
  const asking = client(url);
  const [, first] = [await asking.checkMany([CHECK]), await asking.check(CHECK)];
  await asking.checkMany([CHECK]);

  assert.deepEqual([first.allowed, (await asking.check(CHECK)).allowed], [true, false]);
});

for (const [name, answer] of [
  ["nonsense", [200, "<html>"]],
  ["an answer without a decision", [200, { allowed: "true" }]],
  ["503 for good", [503, { code: "service_unavailable" }]],
]) {
  test(`${name} is never allowed by itself`, async () => {
    const { url } = await service(answer);

    const decision = await client(url).check(CHECK);

    assert.deepEqual([decision.allowed, decision.decidedBy], [false, "sdk"]);
  });
}

test("a service that hangs costs at most the total timeout", async () => {
  const { seen, url } = await service(null);
  const before = performance.now();

  const decision = await client(url, { totalTimeoutMs: 500 }).check(CHECK);

  assert.equal(decision.unavailableBecause, "no response within 500 ms");
  assert.ok(performance.now() - before < 5000);
  assert.equal(seen.length, 1);
});

test("a connection that is never made has a deadline of its own", async () => {
  const sockets = [];
  const url = await listening(createTcpServer((socket) => sockets.push(socket)));

  const decision = await client(url.replace("http:", "https:"), { connectTimeoutMs: 100 }).check(CHECK);

  for (const socket of sockets) socket.destroy();
  assert.equal(decision.unavailableBecause, "no connection within 100 ms");
});

test("what was decided without the service is handed over by the next check, once", async () => {
  const answers = [[503, {}], [503, {}], [200, ALLOWED], [200, { results: [{ status: 200 }] }]];
  const { seen, url } = await service(...answers);
  const asking = client(url, { onUnavailable: "allow_and_report" });

  const without = await asking.check(CHECK);
  await asking.check(CHECK);
  await asking.reconcile();

  assert.equal(asking.waiting, 0);
  const handed = seen.filter((one) => one.path === "/v1/decisions/reconcile");
  assert.equal(handed.length, 1);
  const entry = { ...CHECK, id: without.clientDecisionId, allowed: true, mode: "allow_and_report", position: 0 };
  assert.deepEqual(handed[0].body.decisions, [{ ...entry, sent_under: seen[0].headers["idempotency-key"] }]);
});

test("an export arrives line by line, and one that is cut short is told from a whole one", async () => {
  const lines = (...records) => records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const refused = [403, { code: "missing_scope", detail: "It lacks decisions:read." }];
  const { seen, url } = await service([200, lines({ decision_id: "1" }, { complete: true })], [200, lines({ decision_id: "2" })], refused);
  const asking = client(url);
  const exported = async (found = []) => {
    for await (const one of asking.exportDecisions({ allowed: false })) found.push(one.decision_id);
    return found;
  };

  assert.deepEqual(await exported(), ["1"]);
  await assert.rejects(exported(), (error) => error instanceof UnavailableError && /cut short/.test(error.message));
  await assert.rejects(exported(), (error) => error instanceof ApiError && error.code === "missing_scope");
  assert.equal(seen[0].path, "/v1/decisions/export?allowed=false");
});

test("many checks come back in order, each with a decision or an error", async () => {
  const results = [{ status: 200, decision: BLOCKED }, { status: 400, problem: { code: "content_refused", detail: "" } }];
  const { url } = await service([200, { results }]);

  const [first, second] = await client(url).checkMany([CHECK, CHECK]);

  assert.equal(first.decision.reason, "pii");
  assert.ok(second.error instanceof ContentRefusedError);
});

test("a guard runs nothing that is blocked, and a span says what was decided and no facts", async () => {
  const { url } = await service([200, BLOCKED], [200, ALLOWED], [200, ALLOWED]);
  const told = [];
  const span = { setAttribute: (name, value) => told.push([name, value]), end: () => told.push("end") };
  const asking = client(url, { tracer: { startSpan: (name, { kind }) => told.push([name, kind]) && span } });

  await assert.rejects(asking.guard(CHECK, () => assert.fail("it ran")), BlockedError);
  assert.equal(await asking.guard(CHECK, (decision) => decision.decisionId), "dec_1");

  assert.deepEqual(told.slice(0, told.indexOf("end")), [
    ["ai_governance.check", 2],
    ["gen_ai.request.model", "gpt-4o"],
    ["gen_ai.operation.name", "chat"],
    ["ai_governance.decision.id", "dec_1"],
    ["ai_governance.decision.allowed", false],
    ["ai_governance.decision.by", "service"],
    ["ai_governance.reason.code", "pii"],
    ["ai_governance.risk_score", 0],
    ["ai_governance.policy.version", 1],
  ]);
});

test("a live key is refused in a browser and on the edge; a test key is not", (t) => {
  const places = [{ window: {}, document: {} }, { EdgeRuntime: "edge" }, { WebSocketPair: class {} }];
  for (const place of places) {
    Object.assign(globalThis, place);
    t.after(() => Object.keys(place).forEach((name) => delete globalThis[name]));
    const options = { baseUrl: "http://127.0.0.1:1", apiKey: "aig_live_0123456789" };
    assert.throws(() => new Client(options), (error) => error instanceof ConfigurationError && /live API key/.test(error.message));
    new Client({ ...options, apiKey: KEY }).close();
    for (const name of Object.keys(place)) delete globalThis[name];
    new Client(options).close();
  }
});

test("what cannot work is said at once", () => {
  for (const options of [{ apiKey: KEY }, { baseUrl: "nowhere", apiKey: KEY }, { baseUrl: "http://a", apiKey: "no key" }]) {
    assert.throws(() => new Client(options), ConfigurationError);
  }
  for (const more of [{ onUnavailable: "allow" }, { totalTimeoutMs: 0 }]) {
    assert.throws(() => new Client({ baseUrl: "http://a", apiKey: KEY, ...more }), ConfigurationError);
  }
});

test("it can be required as well", () => {
  const required = createRequire(import.meta.url)("../dist/cjs/index.js");

  assert.equal(typeof required.Client, "function");
  assert.ok(new required.ContentRefusedError(400, {}) instanceof required.ApiError);
});
