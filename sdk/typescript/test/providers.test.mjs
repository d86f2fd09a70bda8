import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { BlockedError, ConfigurationError } from "../dist/esm/index.js";
import { govern as governAnthropic } from "../dist/esm/integrations/anthropic.js";
import { govern, NotCoveredError } from "../dist/esm/integrations/openai.js";
import { Servers, unreadable } from "../testing/servers.mjs";

const PERSONAL = { metadata: { contains_personal_data: true } };
const ASK = { model: "gpt-4o", messages: [{ role: "user", content: "hello" }] };
const ASK_CLAUDE = { ...ASK, model: "claude-4", max_tokens: 9 };
let servers;

beforeEach(async () => {
  servers = await new Servers().start();
});
afterEach(() => servers.stop());

const openai = (options) => govern(new OpenAI({ apiKey: "x", baseURL: servers.provider }), servers.client, options);
const anthropic = (options) =>
  governAnthropic(new Anthropic({ apiKey: "x", baseURL: servers.provider }), servers.client, options);

test("an allowed call reaches the provider, with no more than facts in its check", async () => {
  await openai({ metadata: { department: "support" } }).chat.completions.create(ASK);
  await anthropic().messages.create(ASK_CLAUDE);

  assert.equal(servers.asked.length, 2);
  const host = { "server.address": "127.0.0.1", "gen_ai.request.stream": false, message_count: 1 };
  assert.deepEqual(servers.checks.map(({ body }) => body), [
    { model: "gpt-4o", operation: "chat", metadata: { "gen_ai.provider.name": "openai", ...host, department: "support" } },
    {
      model: "claude-4",
      operation: "chat",
      metadata: { "gen_ai.provider.name": "anthropic", ...host, "gen_ai.request.max_tokens": 9 },
    },
  ]);
});

test("a blocked call never reaches the provider, whichever way it is made", async () => {
  const governed = openai(PERSONAL);
  const claude = anthropic(PERSONAL);
  const file = new File(["x"], "a.wav");
  const calls = {
    create: () => governed.chat.completions.create(ASK),
    streamed: () => governed.chat.completions.create({ ...ASK, stream: true }),
    stream: () => governed.chat.completions.stream(ASK).finalMessage(),
    parse: () => governed.chat.completions.parse(ASK),
    response: () => governed.chat.completions.create(ASK).asResponse(),
    copy: () => governed.withOptions({ timeout: 1000 }).chat.completions.create(ASK),
    responses: () => governed.responses.create({ model: "gpt-4o", input: "x" }),
    embeddings: () => governed.embeddings.create({ model: "e", input: "x" }),
    images: () => governed.images.generate({ model: "i", prompt: "x" }),
    audio: () => governed.audio.transcriptions.create({ model: "w", file }),
    raw: () => governed.post("/chat/completions", { body: ASK }),
    list: () => governed.getAPIList("/chat/completions", Array, { method: "post", body: ASK }),
    tools: () => governed.chat.completions.runTools({ ...ASK, tools: [] }).finalContent(),
    claude: () => claude.messages.create(ASK_CLAUDE),
    claudeStream: () => claude.messages.stream(ASK_CLAUDE).finalMessage(),
    claudeBeta: () => claude.beta.messages.create(ASK_CLAUDE),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(async () => call(), (error) => error instanceof BlockedError || error.cause instanceof BlockedError, name);
  }
  assert.deepEqual(servers.asked, []);
});

test("what is not known to be checked is refused", async () => {
  for (const call of [
    () => openai().batches.create({ completion_window: "24h", endpoint: "/v1/chat/completions", input_file_id: "f" }),
    () => openai().beta.threads.create(),
    () => openai().post("//chat/completions", { body: ASK }),
    () => anthropic().messages.batches.create({ requests: [] }),
  ]) {
    await assert.rejects(async () => call(), NotCoveredError);
  }
  await assert.rejects(async () => openai().moderations.create({ input: "x" }), ConfigurationError);
  assert.deepEqual(servers.asked, []);
});

test("retries of the library are one decision, and the same call made again is another", async () => {
  servers.failures = 1;
  const governed = openai();

  await governed.chat.completions.create(ASK);
  assert.deepEqual([servers.asked.length, servers.checks.length], [2, 1]);

  await governed.chat.completions.create(ASK);
  assert.equal(servers.checks.length, 2);
});

test("a stream and its response come as from the library itself", async () => {
  const governed = openai();
  let text = "";

  for await (const part of await governed.chat.completions.create({ ...ASK, stream: true })) {
    text += part.choices[0].delta.content ?? "";
  }
  const { data, response } = await governed.chat.completions.create(ASK).withResponse();

  assert.deepEqual([text, data.choices[0].message.content, response.status], ["hi", "hi", 200]);
  assert.deepEqual(servers.checks.map(({ body }) => body.metadata["gen_ai.request.stream"]), [true, false]);
  assert.ok(governed instanceof OpenAI);
});

test("content is never read: messages and tools are counted, and tools are named if the caller wants it", async () => {
  const content = [unreadable(), unreadable()];
  const named = { ...PERSONAL, withToolNames: true };
  const inChat = [{ type: "function", function: { name: "crm_read", parameters: unreadable() } }];
  const body = { ...ASK_CLAUDE, messages: content, system: content, tools: [{ name: "crm_read", input_schema: unreadable() }] };
  for (const call of [
    () => openai(named).chat.completions.create({ model: "gpt-4o", messages: content, tools: inChat }),
    () => openai(named).responses.create({ model: "gpt-4o", input: content, tools: [{ type: "web_search" }] }),
    () => openai(PERSONAL).responses.create({ model: "gpt-4o", input: content, tools: content }),
    () => openai(named).responses.create({ model: "gpt-4o", input: "x", tools: new Array(21).fill({ name: "crm_read" }) }),
    () => openai(named).embeddings.create({ model: "e", input: content }),
    () => anthropic(named).post("/v1/messages", { body }), // `messages.create` of the library itself reads them
  ]) {
    await assert.rejects(async () => call(), BlockedError);
  }

  assert.deepEqual(
    servers.checks.map(({ body: { metadata } }) => [metadata.message_count, metadata.tool_count, metadata.tool_names]),
    [
      [2, 1, ["crm_read"]],
      [2, 1, undefined],
      [2, 2, undefined],
      [undefined, 21, undefined],
      [undefined, undefined, undefined],
      [2, 1, ["crm_read"]],
    ],
  );
});

test("the client that was governed stays as it was", async () => {
  const raw = new OpenAI({ apiKey: "x", baseURL: servers.provider });
  govern(raw, servers.client, PERSONAL);

  await raw.chat.completions.create(ASK);

  assert.deepEqual([servers.asked.length, servers.checks.length], [1, 0]);
});
