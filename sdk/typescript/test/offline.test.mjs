// Decisions that were made without the service: on disk until it has them, in no more than so many files.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { DiskSpool } from "../dist/esm/disk-spool.js";
import { Client, ConfigurationError } from "../dist/esm/index.js";
import { API_KEY, Signer } from "../testing/signer.mjs";

const CHAT = { model: "gpt-4o", operation: "chat" };
let signer;
let folder;
let warnings;

process.on("warning", (warning) => warnings?.push(warning.message));

beforeEach(async () => {
  signer = await new Signer().start();
  folder = mkdtempSync(join(tmpdir(), "aig-"));
  warnings = [];
});

afterEach(async () => {
  await signer.stop();
  rmSync(folder, { recursive: true, force: true });
});

const spool = () => join(folder, "spool");

function made(options = {}) {
  return new Client({ baseUrl: signer.url, apiKey: API_KEY, onUnavailable: "allow_and_report", spoolFolder: spool(), ...options });
}

test("they lie on disk for this user alone, and the next client hands them over", async () => {
  signer.status = 503;
  const first = made();
  const [allowed, refused] = [await first.check(CHAT, { idempotencyKey: "order/42" }), await first.check({ ...CHAT, operation: "odd" })];
  await first.close();
  const kept = readdirSync(spool()).sort();
  assert.deepEqual([allowed.allowed, allowed.isSpooled, first.waiting], [true, true, 2]);
  assert.deepEqual(kept, [allowed, refused].map((one) => `${one.clientDecisionId}.json`));
  assert.deepEqual([spool(), join(spool(), kept[0])].map((path) => statSync(path).mode & 0o777), [0o700, 0o600]);
  writeFileSync(join(spool(), "0.json"), "cut o");
  signer.status = 200;
  signer.answer = ({ operation }) => ({ status: operation === "odd" ? 422 : 200 });

  const next = made();
  await next.check(CHAT);
  await next.close();

  assert.deepEqual(signer.reconciled.map((one) => one.id), [allowed.clientDecisionId, refused.clientDecisionId]);
  assert.deepEqual([next.waiting, readdirSync(spool())], [0, ["refused"]]);
  assert.deepEqual(readdirSync(join(spool(), "refused")).sort(), ["0.json", kept[1]]);
});

test("what can't be kept is not allowed, and a person hears of it once", async () => {
  signer.status = 503;
  writeFileSync(spool(), "a file where the folder should be");
  const client = made();

  const decisions = [await client.check(CHAT), await client.check(CHAT)];

  assert.deepEqual(decisions.map((one) => [one.allowed, one.isSpooled]), [[false, false], [false, false]]);
  assert.equal(warnings.filter((message) => /can't be kept/.test(message)).length, 1);
});

test("a folder holds so many and no more, until some are taken", async () => {
  const disk = new DiskSpool(spool, 1);
  await disk.add({ id: "1" });
  await assert.rejects(disk.add({ id: "2" }), /wait/);

  await disk.remove("1");
  await disk.add({ id: "2" });

  assert.deepEqual(await disk.oldest(9), [{ id: "2" }]);
});

test("where there is no disk they are kept in memory, and say so", async (t) => {
  globalThis.WebSocketPair = class {};
  t.after(() => delete globalThis.WebSocketPair);
  assert.throws(() => made(), ConfigurationError);
  signer.status = 503;
  const client = made({ spoolFolder: undefined });

  const decision = await client.check(CHAT);

  assert.deepEqual([decision.allowed, decision.isSpooled, client.waiting], [true, false, 1]);
  signer.status = 200;
  assert.deepEqual([await client.reconcile(), client.waiting], [1, 0]);
});
