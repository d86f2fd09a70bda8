// One check before a model call. Needs AIG_URL and AIG_KEY.
import { Client } from "ai-governance-client";

const client = new Client();
const decision = await client.check({ model: "gpt-4o", operation: "chat", metadata: { contains_personal_data: false } });
decision.throwIfBlocked();
console.log("Go ahead:", decision.decisionId);
