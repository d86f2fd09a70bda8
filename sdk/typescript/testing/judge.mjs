// node testing/judge.mjs ASKED ANSWERED: what the engine makes of requests, for comparing it with the service's own.
// Each line of ASKED is {"bundle", "requests"}; each line of ANSWERED lists {"text", "result"} of its requests.
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { policyFrom } from "../dist/esm/engine/bundle.js";
import { Reader } from "../dist/esm/engine/reader.js";
import { ForTheService, Refusal } from "../dist/esm/engine/refusal.js";

const FOR_THE_SERVICE = { service: true };

export function judge(policy, reader, text) {
  if (policy === undefined) return FOR_THE_SERVICE;
  try {
    const { allowed, riskScore, reason, reasons } = policy.evaluate(reader.read(text, policy.facts).facts);
    return { allowed, risk_score: riskScore, reason, reasons };
  } catch (error) {
    if (error instanceof ForTheService) return FOR_THE_SERVICE;
    if (!(error instanceof Refusal)) throw error;
    const { status, code, detail, errors } = error;
    return { refused: { status, code, detail, errors } };
  }
}

export function policyOf(bundle) {
  try {
    return policyFrom(bundle);
  } catch (error) {
    if (error instanceof ForTheService) return undefined;
    throw error;
  }
}

async function main(asked, answered) {
  const out = createWriteStream(answered);
  for await (const line of createInterface({ input: createReadStream(asked) })) {
    const { bundle, requests } = JSON.parse(line);
    const policy = policyOf(bundle);
    const reader = new Reader();
    const results = requests.map((request) => {
      const text = JSON.stringify(request);
      return { text, result: judge(policy, reader, text) };
    });
    out.write(`${JSON.stringify(results)}\n`);
  }
  out.end();
}

if (process.argv.length === 4) await main(process.argv[2], process.argv[3]);
