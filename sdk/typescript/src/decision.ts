/** What a check comes to. */

import type { CheckAnswer, Contribution, Unreachable } from "./api.js";
import { BlockedError } from "./errors.js";

export type DecidedBy = "service" | "sdk";

/** What is known of a decision, wherever it was made. */
export type Decided = Pick<CheckAnswer, "allowed" | "reason"> &
  Partial<Pick<CheckAnswer, "reasons" | "risk_score" | "policy_version" | "max_risk_score" | "environment" | "on_unreachable">>;

/** Whether the operation may go ahead. `answer` is what the service said; there is none where it was not asked. */
export class Decision {
  readonly allowed: boolean;
  readonly reason: string;

  constructor(
    readonly decidedBy: DecidedBy,
    /** The Idempotency-Key of the check; where the SDK decided, its name for the decision. */
    readonly clientDecisionId: string,
    private readonly given: Decided,
    readonly answer?: CheckAnswer,
    /** Why the service could not be asked. */
    readonly unavailableBecause?: string,
    /** Whether it was made without the service, and waits for it on disk. */
    readonly isSpooled = false,
  ) {
    this.allowed = given.allowed;
    this.reason = given.reason;
  }

  get decisionId(): string | undefined {
    return this.answer?.decision_id;
  }

  get riskScore(): number | undefined {
    return this.given.risk_score;
  }

  get policyVersion(): number | undefined {
    return this.given.policy_version;
  }

  /** What your policies declare for the operation while the service can't be reached. */
  get onUnreachable(): Unreachable | undefined {
    return this.given.on_unreachable;
  }

  get reasons(): readonly Contribution[] {
    return this.given.reasons ?? [];
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
