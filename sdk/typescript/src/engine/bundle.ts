/** From a bundle that was verified to what decides by it. */

import type { PolicyDocument } from "./document.js";
import { Policy } from "./evaluator.js";
import { ForTheService } from "./refusal.js";
import type { RuleTrees } from "./rule-set.js";
import { shaped, unknownFields } from "./schema.js";
import { Beyond } from "./trees.js";

export interface Bundle {
  readonly key_id: string;
  readonly key_fingerprint: string;
  readonly environment: string;
  readonly revision: number;
  readonly issued_at: string;
  readonly not_after: string;
  readonly policies: object;
  readonly rules: Readonly<Record<string, unknown>>;
  readonly needs_service: readonly string[];
}

/** Undefined for what is no bundle, or one of a newer format. */
export function bundleIn(text: string): Bundle | undefined {
  try {
    return shaped<Bundle>("Bundle", JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Throws ForTheService where a rule needs more than trees, and Beyond for policies that are newer than this code. */
export function policyFrom(bundle: Bundle): Policy {
  if (bundle.needs_service.length > 0) throw new ForTheService(`rules: ${bundle.needs_service.join(", ")}`);
  const document = shaped<PolicyDocument>("PolicyDocument", bundle.policies);
  if (document === undefined || unknownFields("PolicyDocument", bundle.policies).length > 0) throw new Beyond();
  const trees = new Map(Object.entries(bundle.rules).map(([code, given]) => [code, shaped<RuleTrees>("RuleTrees", given)]));
  for (const one of trees.values()) if (one === undefined) throw new Beyond();
  const policy = new Policy(document, Object.fromEntries(trees) as Record<string, RuleTrees>, bucketKeyOf(bundle));
  if (policy.facts.get("pii_types")?.type !== "tokens") throw new Beyond();
  return policy;
}

/** Whose requests these are, where no subject is sent: the key's. */
function bucketKeyOf(bundle: Bundle): string {
  return bundle.key_id.replace(/^key_/, "");
}
