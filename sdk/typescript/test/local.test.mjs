// Local decisions before a service that signs, and one that is away, old, forged or of somebody else.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, mock, test } from "node:test";
import { promisify } from "node:util";
import { Client, ConfigurationError, ContentRefusedError, InvalidRequestError } from "../dist/esm/index.js";
import { Journal } from "../dist/esm/local/journal.js";
import { API_KEY, Signer } from "../testing/signer.mjs";

const CHAT = { model: "gpt-4o", operation: "chat", metadata: { contains_personal_data: false } };
const PERSONAL = { ...CHAT, metadata: { contains_personal_data: true } };
const DAY_MS = 86_400_000;
let signer;
let folder;
let clients;
let warnings;

process.on("warning", (warning) => warnings?.push(warning.message));

beforeEach(async () => {
  signer = await new Signer().start();
  folder = mkdtempSync(join(tmpdir(), "aig-"));
  clients = [];
  warnings = [];
});

afterEach(async () => {
  mock.restoreAll();
  for (const client of clients) await client.close();
  await signer.stop();
  rmSync(folder, { recursive: true, force: true });
});

function made(options = {}) {
  const given = { baseUrl: signer.url, apiKey: API_KEY, decide: "local", bundleKeys: [signer.pin], spoolFolder: folder };
  const client = new Client({ totalTimeoutMs: 1000, ...given, ...options });
  clients.push(client);
  return client;
}

async function ready(options) {
  const client = made(options);
  assert.equal(await client.local.waitUntilReady(5000), true, client.local.whyNot);
  return client;
}

async function until(holds) {
  for (let tries = 0; tries < 300 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds());
}

const asked = (path) => signer.asked.filter((one) => one.path === path).length;
const journal = () => join(folder, "local-node");

test("checks are decided here, and handed over once with what was decided", async () => {
  const client = await ready();

  const allowed = await client.check(CHAT);
  const blocked = await client.check(PERSONAL);

  assert.deepEqual([allowed.allowed, allowed.decidedBy, allowed.policyVersion], [true, "sdk", 1]);
  assert.deepEqual([blocked.allowed, blocked.reason, blocked.riskScore], [false, "contains_personal_data", 70]);
  assert.match(blocked.fixes[0], /anonymize/);
  assert.throws(() => blocked.throwIfBlocked(), /contains_personal_data/);
  await client.local.handOver();
  await client.local.handOver();
  const told = { mode: "local", policy_version: 1 };
  assert.deepEqual(signer.reconciled, [
    { ...CHAT, id: allowed.clientDecisionId, allowed: true, ...told },
    { ...PERSONAL, id: blocked.clientDecisionId, allowed: false, ...told },
  ]);
  assert.deepEqual([asked("/v1/check"), readdirSync(journal())], [0, []]);
});

test("a batch is decided here, but for what only the service can decide", async () => {
  const client = await ready();

  const results = await client.checkMany([
    CHAT,
    { ...CHAT, metadata: { declared_just_now: 1 } },
    { ...CHAT, metadata: { user_prompt: "Dear Anna" } },
    PERSONAL,
  ]);

  assert.deepEqual(
    results.map(({ decision, error }) => [decision?.decidedBy, decision?.allowed, error?.code]),
    [
      ["sdk", true, undefined],
      ["service", true, undefined],
      [undefined, undefined, "content_refused"],
      ["sdk", false, undefined],
    ],
  );
  const [batch] = signer.asked.filter((one) => one.path === "/v1/checks");
  assert.deepEqual(JSON.parse(batch.body).checks, [{ ...CHAT, metadata: { declared_just_now: 1 } }]);
  assert.equal((await client.checkMany([CHAT], { idempotencyKey: "mine" }))[0].decision.decidedBy, "service");
  await client.local.handOver();
  assert.equal(signer.reconciled.length, 2);
});

test("where the service refuses the rest of a batch, nothing of it is on record", async () => {
  const client = await ready();
  signer.status = 429;

  await assert.rejects(client.checkMany([CHAT, { ...CHAT, metadata: { declared_just_now: 1 } }]), (error) => error.status === 429);

  assert.equal(existsSync(journal()), false);
});

test("content is refused here by the same rules, and is not sent", async () => {
  const client = await ready();

  await assert.rejects(client.check({ ...CHAT, metadata: { user_prompt: "Dear Anna" } }), ContentRefusedError);
  await assert.rejects(client.check({ ...CHAT, metadata: { purpose: "4111-1111-1111-1111" } }), InvalidRequestError);

  assert.deepEqual([asked("/v1/check"), existsSync(journal())], [0, false]);
});

test("newer policies arrive while it waits, and the same are not sent again", async () => {
  const client = await ready();
  await until(() => asked("/v1/policy/bundle?wait=25") === 1);
  signer.policies = { block_personal_data: false };
  signer.revision = 2;

  await until(() => asked("/v1/policy/bundle?wait=25") === 2);
  const decision = await client.check(PERSONAL);

  assert.deepEqual([decision.allowed, decision.policyVersion], [true, 2]);
  assert.equal(asked("/v1/policy/bundle"), 1);
});

test("the last policies decide after a restart without the service", async () => {
  await (await ready()).close();
  signer.status = 503;

  const decision = await made().check(PERSONAL);

  assert.deepEqual([decision.decidedBy, decision.reason], ["sdk", "contains_personal_data"]);
});

test("an idempotency key, a fact that is new, and a rule that is no tree leave the service to decide", async () => {
  const client = await ready();
  assert.equal((await client.check(CHAT, { idempotencyKey: "mine" })).decidedBy, "service");
  assert.equal((await client.check({ ...CHAT, metadata: { declared_just_now: 1 } })).decidedBy, "service");
  signer.needsService = ["raw"];
  signer.revision = 2;

  await until(() => client.local.whyNot === "rules: raw");
  assert.equal((await client.check(CHAT)).decidedBy, "service");
});

test("a share leaves checks with a subject to the service", async () => {
  const rule = { code: "some", when: { all: ["contains_personal_data"] }, message: "Some.", on_missing: "skip", state: "percent" };
  signer.policies = { rules: [rule] };
  signer.rules = { some: [[["fact", "contains_personal_data"]], [], []] };
  const client = await ready();

  assert.equal((await client.check(CHAT)).decidedBy, "sdk");
  assert.equal((await client.check({ ...CHAT, subject: "u-1" })).decidedBy, "service");
});

test("what signed policies declare holds while the service is away, also once they have expired, and is handed over", async () => {
  signer.policies = { on_unreachable: [{ mode: "allow_and_report" }, { mode: "block", operations: ["fine-tuning"] }] };
  const client = await ready();
  signer.status = 503;
  const now = Date.now();
  mock.method(Date, "now", () => now + 2 * DAY_MS);

  const [chat, tuning] = [await client.check(CHAT), await client.check({ ...CHAT, operation: "Fine_Tuning" })];

  assert.deepEqual([chat.reason, chat.allowed, chat.onUnreachable], ["service_unavailable", true, "allow_and_report"]);
  assert.deepEqual([tuning.reason, tuning.allowed, tuning.onUnreachable], ["service_unavailable", false, "block"]);
  mock.restoreAll();
  signer.status = 200;
  assert.equal((await client.check(CHAT)).policyVersion, 1);
  await client.close();
  assert.deepEqual(signer.reconciled.map((entry) => entry.mode).sort(), ["allow_and_report", "block", "local"]);
});

test("policies that are newer than this client leave the service to decide", async () => {
  signer.policies = { block_on_mondays: true };
  const client = made();

  assert.equal(await client.local.waitUntilReady(5000), false);
  assert.match(client.local.whyNot, /newer/);
  assert.equal((await client.check(CHAT)).decidedBy, "service");
});

for (const [what, forge, why] of [
  ["changed", (body, signature) => [body.replace('"rules":{}', '"rules":{ }'), signature], /signature/],
  ["under another signature", (body, signature) => [body, `${signature.slice(0, -4)}AAA=`], /signature/],
  ["under another key", (body, signature) => [body, `${"0".repeat(16)}${signature.slice(16)}`], /unknown key/],
  ["without a signature", (body) => [body, ""], /unknown key/],
]) {
  test(`a bundle is refused: ${what}`, async () => {
    signer.forge = forge;
    const client = made();

    assert.equal(await client.local.waitUntilReady(300), false);
    assert.match(client.local.whyNot, why);
    assert.equal(existsSync(join(folder, "policies", "bundle")), false);
  });
}

test("what was changed on disk is refused", async () => {
  await (await ready()).close();
  const kept = join(folder, "policies", "bundle");
  writeFileSync(kept, readFileSync(kept, "utf8").replace('"revision":1', '"revision":9'));
  signer.status = 503;

  assert.match(made().local.whyNot, /signature/);
});

test("an older bundle is refused, also after a restart", async () => {
  signer.revision = 2;
  await (await ready()).close();
  signer.revision = 1;
  const again = await ready();
  await until(() => warnings.some((message) => /older/.test(message)));
  assert.equal((await again.check(CHAT)).policyVersion, 2);
  rmSync(join(folder, "policies", "bundle"));

  const client = made();

  assert.equal(await client.local.waitUntilReady(300), false);
  assert.match(client.local.whyNot, /older/);
});

test("a bundle for another API key, or of a time that is not now, is refused", async () => {
  signer.fingerprint = "0".repeat(16);
  const client = made();
  assert.equal(await client.local.waitUntilReady(300), false);
  assert.match(client.local.whyNot, /another API key/);
  signer.fingerprint = new Signer().fingerprint;
  for (const [fromNowMs, why] of [[2 * DAY_MS, /clock/], [-2 * DAY_MS, /expired/]]) {
    signer.fromNowMs = fromNowMs;
    const other = made({ spoolFolder: join(folder, String(fromNowMs)) });
    assert.equal(await other.local.waitUntilReady(300), false);
    assert.match(other.local.whyNot, why);
  }
});

test("what has expired leaves the service to decide, by either clock", async () => {
  const client = await ready();
  const [now, passed] = [Date.now(), performance.now()];

  mock.method(Date, "now", () => now + 2 * DAY_MS);
  assert.equal((await client.check(CHAT)).decidedBy, "service");
  assert.match(client.local.whyNot, /expired/);
  mock.restoreAll();
  mock.method(Date, "now", () => now - DAY_MS);
  assert.match(client.local.whyNot, /clock/);
  mock.restoreAll();
  mock.method(performance, "now", () => passed + 2 * DAY_MS);
  assert.match(client.local.whyNot, /expired/);
});

test("a key that the pinned one signed over to is followed, and no other", async () => {
  const pin = signer.pin;
  signer.keys.push(generateKeyPairSync("ed25519"));
  assert.equal((await (await ready({ bundleKeys: [pin] })).check(CHAT)).decidedBy, "sdk");
  signer.keys = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];

  const client = made({ bundleKeys: [pin], spoolFolder: join(folder, "other") });

  assert.equal(await client.local.waitUntilReady(300), false);
  assert.match(client.local.whyNot, /unknown key/);
});

test("an API key that the service refuses ends local decisions at once, and for good", async () => {
  const client = await ready();
  signer.status = 401;

  await until(() => /refuses this API key: .* lacks the scope policies:read/.test(client.local.whyNot ?? ""));
  assert.equal(made().local.whyNot, "no policies yet");
});

test("what can't be written leaves the service to decide", async () => {
  const client = await ready();
  writeFileSync(journal(), "a file where the folder should be");

  assert.equal((await client.check(CHAT)).decidedBy, "service");
  assert.equal((await client.checkMany([CHAT]))[0].decision.decidedBy, "service");
});

test("what the service refuses is set aside, and a difference is told", async () => {
  const client = await ready();
  await client.check(CHAT);
  await client.check(PERSONAL);
  signer.answer = (entry) =>
    entry.allowed ? { status: 422, problem: { code: "invalid_request" } } : { status: 200, id: entry.id, agrees: false };

  await client.local.handOver();

  const refused = readFileSync(join(journal(), "refused.txt"), "utf8").trim().split("\n").map(JSON.parse);
  assert.deepEqual(refused.map((entry) => [entry.allowed, entry.problem]), [[true, "invalid_request"]]);
  await until(() => warnings.some((message) => /differently/.test(message)));
});

test("decisions wait on disk while the service is away, also over the end of the program", async () => {
  const client = await ready();
  signer.status = 503;
  const { clientDecisionId } = await client.check(CHAT);
  await assert.rejects(client.local.handOver());
  await client.close();
  const [left] = readdirSync(journal());
  appendFileSync(join(journal(), left), '{"model": "cut o');
  signer.status = 200;

  const next = made();
  await next.local.handOver();
  assert.deepEqual(signer.reconciled, []); // it may still be written
  utimesSync(join(journal(), left), new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  await next.local.handOver();

  assert.deepEqual(signer.reconciled.map((entry) => entry.id), [clientDecisionId]);
  assert.deepEqual(readdirSync(journal()), []);
});

test("a line that was written to a file that another took is written again", async () => {
  const writer = new Journal(journal());
  writer.add('{"id":"1"}\n');
  const [name] = readdirSync(journal());
  renameSync(join(journal(), name), join(journal(), "taken"));
  writer.add('{"id":"2"}\n');
  const sent = [];

  await writer.handOver(async (entries) => {
    sent.push(...entries);
    return [];
  });

  assert.deepEqual(sent, [{ id: "2" }]);
});

test("half a line that a full disk left spoils no other", async () => {
  const fs = process.getBuiltinModule("node:fs");
  const writer = new Journal(journal());
  const write = fs.writeSync;
  mock.method(fs, "writeSync", (file, bytes) => write(file, bytes.subarray(0, 5)));
  assert.throws(() => writer.add('{"id":"1"}\n'), /whole/);
  mock.restoreAll();
  writer.add('{"id":"2"}\n');
  const sent = [];

  await writer.handOver(async (entries) => {
    sent.push(...entries);
    return [];
  });

  assert.deepEqual(sent, [{ id: "2" }]);
  assert.throws(() => new Journal(journal(), 5).add('{"id":"3"}\n'), /wait/);
});

test("a program ends by itself while its client waits for changes", async () => {
  const script = `
    import { Client } from ${JSON.stringify(new URL("../dist/esm/index.js", import.meta.url).href)};
    const client = new Client({ decide: "local" });
    console.log(await client.local.waitUntilReady(5000), (await client.check(${JSON.stringify(CHAT)})).decidedBy);
  `;
  const env = { ...process.env, AIG_URL: signer.url, AIG_KEY: API_KEY, AIG_BUNDLE_KEYS: signer.pin, XDG_STATE_HOME: folder };

  const { stdout } = await promisify(execFile)("node", ["--input-type=module", "-e", script], { env, timeout: 15_000 });

  assert.equal(stdout, "true sdk\n");
  await until(() => asked("/v1/policy/bundle?wait=25") === 1);
});

test("without pins, or with what are none, there are no local decisions", () => {
  assert.throws(() => made({ bundleKeys: [] }), ConfigurationError);
  assert.throws(() => made({ bundleKeys: ["not a key"] }), ConfigurationError);
  assert.throws(() => made({ decide: "remote" }), ConfigurationError);
  assert.throws(() => made({ decide: "service" }).local, ConfigurationError);
});
