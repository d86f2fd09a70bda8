/** What can go wrong. A refusal of the service has a class of its own for each code: see `problems.ts`. */

import type { FieldProblem, Problem } from "./api.js";
import type { Decision } from "./decision.js";

/** Base of everything that this package throws. */
export class AiGovernanceError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The client was given something it can't work with. */
export class ConfigurationError extends AiGovernanceError {}

/** The operation must not go ahead. `decision` says why, and what would change it. */
export class BlockedError extends AiGovernanceError {
  constructor(readonly decision: Decision) {
    super([`blocked: ${decision.reason}`, ...decision.fixes.slice(0, 1)].join(". "));
  }
}

/** The service could not be reached in time. Checks throw it only where `onUnavailable` can't be asked. */
export class UnavailableError extends AiGovernanceError {}

/** The service refused a request. A code that this version does not know is an ApiError itself. */
export class ApiError extends AiGovernanceError {
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | undefined;
  readonly fields: readonly FieldProblem[];

  constructor(
    readonly status: number,
    problem: Partial<Problem>,
    readonly retryAfterMs?: number,
  ) {
    const fields = problem.errors ?? [];
    const named = fields.map((field) => `${field.path}: ${field.detail}`).join("; ");
    super(`${status} ${problem.code ?? "unknown"}: ${problem.detail ?? ""}${named ? ` (${named})` : ""}`);
    this.code = problem.code ?? "unknown";
    this.detail = problem.detail ?? "";
    this.requestId = problem.request_id;
    this.fields = fields;
  }

  /** Whether the service was there and could not decide. A rate limit is an answer. */
  get isUnavailable(): boolean {
    return this.status >= 500 || this.code === "request_timeout";
  }
}
