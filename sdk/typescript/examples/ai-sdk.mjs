// A model of the Vercel AI SDK whose calls are checked first. Needs AIG_URL, AIG_KEY and OPENAI_API_KEY.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, wrapLanguageModel } from "ai";
import { BlockedError, Client } from "ai-governance-client";
import { governance } from "ai-governance-client/ai-sdk";

const client = new Client();
const model = wrapLanguageModel({
  model: createOpenAI().chat("gpt-4o"),
  middleware: governance(client, { metadata: { contains_personal_data: process.argv.includes("--personal") } }),
});

try {
  const { text } = await generateText({ model, prompt: "Hello" });
  console.log("Answer:", text);
} catch (error) {
  if (!(error instanceof BlockedError)) throw error;
  console.log("Blocked:", error.decision.reason, ...error.decision.fixes);
}
client.close();
