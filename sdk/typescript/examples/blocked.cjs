// What a refusal looks like, from CommonJS. Needs AIG_URL and AIG_KEY.
const { BlockedError, Client, ContentRefusedError } = require("ai-governance-client");

async function main() {
  const client = new Client({ onUnavailable: "block" });
  const request = { model: "gpt-4o", operation: "chat", metadata: { contains_personal_data: true } };
  try {
    (await client.check(request)).throwIfBlocked();
  } catch (error) {
    if (!(error instanceof BlockedError)) throw error;
    console.log("Blocked:", error.decision.reason, "-", error.decision.fixes[0]);
  }
  const results = await client.checkMany([request, { ...request, metadata: { prompt: "never sent on" } }]);
  console.log("Refused:", results[1].error instanceof ContentRefusedError);
}

main();
