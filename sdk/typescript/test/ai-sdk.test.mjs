import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { AISDKError, embed, generateText, isStepCount, jsonSchema, streamText, tool, wrapEmbeddingModel, wrapLanguageModel } from "ai";
import { BlockedError } from "../dist/esm/index.js";
import { embeddingGovernance, governance } from "../dist/esm/integrations/ai-sdk.js";
import { Servers, unreadable } from "../testing/servers.mjs";

const PERSONAL = { metadata: { contains_personal_data: true } };
let servers;

beforeEach(async () => {
  servers = await new Servers().start();
});
afterEach(() => servers.stop());

const provider = () => createOpenAI({ apiKey: "x", baseURL: servers.provider });
const model = (options) => wrapLanguageModel({ model: provider().chat("gpt-4o"), middleware: governance(servers.client, options) });

test("an allowed call reaches the model, with no more than facts in its check", async () => {
  const { text } = await generateText({ model: model({ metadata: { department: "support" } }), prompt: "hello", maxOutputTokens: 9 });

  assert.equal(text, "hi");
  assert.deepEqual(servers.checks.map(({ body }) => body), [
    {
      model: "gpt-4o",
      operation: "chat",
      metadata: { "gen_ai.provider.name": "openai", "gen_ai.request.stream": false, "gen_ai.request.max_tokens": 9, message_count: 1, department: "support" },
    },
  ]);
});

test("each step of a call with tools is checked, and so is a stream", async () => {
  const call = { id: "c1", type: "function", function: { name: "weather", arguments: "{}" } };
  servers.answers = [{ role: "assistant", content: null, tool_calls: [call] }];
  const weather = tool({ inputSchema: jsonSchema({ type: "object", properties: {} }), execute: async () => "sunny" });

  await generateText({ model: model(), prompt: "hello", tools: { weather }, stopWhen: isStepCount(3) });
  assert.deepEqual([servers.asked.length, servers.checks.length], [2, 2]);

  const streamed = streamText({ model: model(), prompt: "hello" });
  assert.equal(await streamed.text, "hi");
  assert.equal(servers.checks[2].body.metadata["gen_ai.request.stream"], true);
});

test("a blocked call reaches no model, and is refused as the SDK refuses", async () => {
  const refused = (error) => error instanceof BlockedError && AISDKError.isInstance(error) && error.decision.reason === "pii";

  await assert.rejects(generateText({ model: model(PERSONAL), prompt: "hello" }), refused);
  const seen = [];
  const streamed = streamText({ model: model(PERSONAL), prompt: "hello", onError: ({ error }) => seen.push(error) });
  await assert.rejects(async () => {
    await streamed.text;
  });
  const vectors = wrapEmbeddingModel({ model: provider().embedding("e"), middleware: embeddingGovernance(servers.client, PERSONAL) });
  await assert.rejects(embed({ model: vectors, value: "x" }), refused);

  assert.ok(seen.every(refused) && seen.length > 0);
  assert.deepEqual(servers.asked, []);
});

test("retries of the SDK are one decision", async () => {
  servers.failures = 1;

  await generateText({ model: model(), prompt: "hello", maxRetries: 1 });

  assert.deepEqual([servers.asked.length, servers.checks.length], [2, 1]);
});

test("content is never read", async () => {
  const tools = [{ type: "function", name: "crm_read", inputSchema: unreadable() }];
  const given = { params: { prompt: [unreadable()], tools }, model: { provider: "openai.chat", modelId: "m" } };
  const middleware = governance(servers.client, { withToolNames: true });

  assert.equal(await middleware.wrapGenerate({ ...given, doGenerate: async () => "made" }), "made");

  const { message_count, tool_count, tool_names } = servers.checks[0].body.metadata;
  assert.deepEqual([message_count, tool_count, tool_names], [1, 1, ["crm_read"]]);
});
