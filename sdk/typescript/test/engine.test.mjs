// The engine, held against the table of what the service's own decides.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { blake2b } from "../dist/esm/engine/blake2b.js";
import { policyFrom } from "../dist/esm/engine/bundle.js";
import { Reader } from "../dist/esm/engine/reader.js";
import { nearest } from "../dist/esm/engine/spelling.js";
import { compareTexts } from "../dist/esm/engine/text.js";
import { Beyond } from "../dist/esm/engine/trees.js";
import { judge, policyOf } from "../testing/judge.mjs";

const TABLE = JSON.parse(readFileSync(new URL("decisions.json", import.meta.url), "utf8"));

for (const { name, bundle, requests } of TABLE) {
  test(`it decides as the service does: ${name}`, () => {
    const policy = policyOf(bundle);
    for (const { text, expect } of requests) {
      assert.equal(JSON.stringify(JSON.parse(text)), text);
      assert.deepEqual(judge(policy, new Reader(), text), expect, text);
    }
  });
}

test("it does not decide by what it does not know", () => {
  const { bundle } = TABLE[0];
  const rule = { code: "a", when: {}, message: "A rule.", on_missing: "skip" };
  const withRule = (changes, trees = [[], [], []]) => ({
    ...bundle,
    policies: { ...bundle.policies, rules: [{ ...rule, ...changes }] },
    rules: { a: trees },
  });

  assert.doesNotThrow(() => policyFrom(withRule({})));
  for (const newer of [
    { ...bundle, policies: { ...bundle.policies, block_on_mondays: true } },
    { ...bundle, policies: { ...bundle.policies, model_catalogue: "2031-01" } },
    { ...bundle, policies: { ...bundle.policies, custom_facts: { since: "date" } } },
    withRule({ on_error: "allow" }),
    withRule({ state: "paused" }),
    withRule({}, [[["matches", ["field", "model"], "g.*"]], [], []]),
    withRule({}, [[["==", ["fact", "no_such_fact"], true]], [], []]),
    withRule({}, [[["==", true]], [], []]),
    withRule({}, [[[]], [], []]),
    withRule({}, [[null], [], []]),
  ]) {
    assert.throws(() => policyFrom(newer), Beyond, JSON.stringify(newer.rules));
  }
  assert.throws(() => policyFrom({ ...withRule({}), rules: {} }), TypeError);
});

test("a fact with ever new values is taken for free text", () => {
  const policy = policyFrom(TABLE[0].bundle);
  const reader = new Reader();
  const ask = (purpose, id) => {
    const metadata = { purpose, "gen_ai.conversation.id": id };
    return judge(policy, reader, JSON.stringify({ model: "gpt-4o", operation: "chat", metadata }));
  };
  for (let number = 0; number < 2000; number++) assert.equal(ask(`p${number}`, `c${number}`).allowed, true);

  assert.equal(ask("p2000", "c2000").refused.errors[0].code, "too_many_values");
  assert.equal(ask("p1999", "c2001").allowed, true);
});

test("shares are told by BLAKE2b, texts ordered by code points, and slips of the pen guessed", () => {
  const digests = {
    0: "e4a6a0577479b2b4",
    1: "f04dbbe25e2ba039",
    63: "d8d9561b9c267ec1",
    64: "8cd66d3e3831a750",
    65: "4a2ebfb237e14544",
    150: "4534772f5282dba1",
  };
  for (const [length, digest] of Object.entries(digests)) assert.equal(blake2b("ä".repeat(length), 8), BigInt(`0x${digest}`));
  assert.ok("\uffff" > "\u{1f600}");
  assert.ok(compareTexts("\uffff", "\u{1f600}") < 0);
  assert.ok(compareTexts("a\u{1f600}", "a") > 0);
  assert.equal(nearest("departmnt", ["department", "data_region"]), "department");
  assert.equal(nearest("abcd", ["abce", "abcf", "abcc"]), "abcf");
  assert.equal(nearest("x".repeat(65), ["x".repeat(64)]), undefined);
});
