/** What a check comes to. */

import type { CheckAnswer, Contribution } from "./api.js";
import { BlockedError } from "./errors.js";

export type DecidedBy = "service" | "sdk";

/** Whether the operation may go ahead. `answer` is what the service said; there is none where it could not be reached. */
export class Decision {
  readonly allowed: boolean;
  readonly reason: string;

  constructor(
    readonly decidedBy: DecidedBy,
    /** The Idempotency-Key of the check; where the SDK decided, its name for the decision. */
    readonly clientDecisionId: string,
    given: { allowed: boolean; reason: string },
    readonly answer?: CheckAnswer,
    /** Why the service could not be asked. */
    readonly unavailableBecause?: string,
  ) {
    this.allowed = given.allowed;
    this.reason = given.reason;
  }

  get decisionId(): string | undefined {
    return this.answer?.decision_id;
  }

  get riskScore(): number | undefined {
    return this.answer?.risk_score;
  }

  get policyVersion(): number | undefined {
    return this.answer?.policy_version;
  }

  get reasons(): readonly Contribution[] {
    return this.answer?.reasons ?? [];
  }

  /** What would change the decision. */
  get fixes(): string[] {
    return this.reasons.map((reason) => reason.fix).filter((fix) => fix !== "");
  }

  /** Gives back itself. Throws BlockedError where the operation must not go ahead. */
  throwIfBlocked(): this {
    if (!this.allowed) throw new BlockedError(this);
    return this;
  }
}

export function isAnswer(given: unknown): given is CheckAnswer {
  if (typeof given !== "object" || given === null) return false;
  const answer = given as Partial<CheckAnswer>;
  return typeof answer.allowed === "boolean" && typeof answer.reason === "string" && Array.isArray(answer.reasons);
}
