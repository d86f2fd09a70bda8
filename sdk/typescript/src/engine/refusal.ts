/** What a check is refused for. Values are never repeated. */

import type { FieldProblem } from "../api.js";

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: readonly FieldProblem[] = [],
  ) {
    super(code);
  }
}

/** Only the service can decide this. */
export class ForTheService extends Error {}

export function invalidRequest(errors: readonly FieldProblem[], detail?: string): Refusal {
  return new Refusal(422, "invalid_request", detail ?? "Correct the fields named under errors and send it again.", errors);
}

/** Fields at fault that a refusal names. */
export const MOST_NAMED = 20;
