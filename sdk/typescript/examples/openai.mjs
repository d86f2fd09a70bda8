// An OpenAI client whose calls are checked first. Needs AIG_URL, AIG_KEY and OPENAI_API_KEY.
import { BlockedError, Client } from "ai-governance-client";
import { govern } from "ai-governance-client/openai";
import OpenAI from "openai";

const client = new Client();
const openai = govern(new OpenAI(), client, { metadata: { contains_personal_data: process.argv.includes("--personal") } });

try {
  const answer = await openai.chat.completions.create({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] });
  console.log("Answer:", answer.choices[0].message.content);
} catch (error) {
  if (!(error instanceof BlockedError)) throw error;
  console.log("Blocked:", error.decision.reason, ...error.decision.fixes);
}
client.close();
