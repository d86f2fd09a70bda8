/** From an answer that is no success to the error of its code. */

import type { Problem } from "./api.js";
import { ApiError } from "./errors.js";
import { BY_CODE } from "./problems.js";
import type { Reply } from "./transport.js";

export function refusalOf(reply: Reply): ApiError {
  return errorOf(reply.status, problemIn(reply.body), retryAfterMs(reply));
}

export function errorOf(status: number, problem: Partial<Problem>, retryAfter?: number): ApiError {
  const Kind = BY_CODE.get(problem.code ?? "") ?? ApiError;
  return new Kind(status, problem, retryAfter);
}

/** How long the service wants to be left alone, where it says so. */
export function retryAfterMs(reply: Reply): number | undefined {
  const seconds = Number(reply.header("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function problemIn(body: string): Partial<Problem> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
