// An Anthropic client whose calls are checked first. Needs AIG_URL, AIG_KEY and ANTHROPIC_API_KEY.
import Anthropic from "@anthropic-ai/sdk";
import { BlockedError, Client } from "ai-governance-client";
import { govern } from "ai-governance-client/anthropic";

const client = new Client();
const anthropic = govern(new Anthropic(), client, { metadata: { contains_personal_data: process.argv.includes("--personal") } });

try {
  const messages = [{ role: "user", content: "Hello" }];
  const answer = await anthropic.messages.create({ model: "claude-4", max_tokens: 99, messages });
  console.log("Answer:", answer.content[0].text);
} catch (error) {
  if (!(error instanceof BlockedError)) throw error;
  console.log("Blocked:", error.decision.reason, ...error.decision.fixes);
}
client.close();
