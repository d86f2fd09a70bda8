/** Deciding without the service, and telling it afterwards. What can't be kept for it is not allowed. */

import type { CheckRequest } from "./api.js";
import type { Calls } from "./calls.js";
import { Decision } from "./decision.js";
import { ApiError } from "./errors.js";
import { newId } from "./ids.js";

/** Block, allow and report, or a function of the request that says whether it is allowed. */
export type OnUnavailable =
  | "block"
  | "allow_and_report"
  | ((request: CheckRequest) => boolean | Promise<boolean>);

export const MOST_KEPT = 10_000;
const MOST_AT_ONCE = 100;

interface Kept extends CheckRequest {
  readonly id: string;
  readonly allowed: boolean;
  readonly mode: "block" | "allow_and_report" | "custom";
  readonly sent_under: string;
  readonly position: number;
}

export class Offline {
  readonly #kept: Kept[] = [];
  #underWay: Promise<number> | undefined;
  #isRefused = false;

  constructor(
    private readonly calls: Calls,
    private readonly onUnavailable: OnUnavailable,
  ) {}

  /** How many decisions the service does not know yet. They live as long as the process. */
  get waiting(): number {
    return this.#kept.length;
  }

  async decide(request: CheckRequest, sentUnder: string, position: number, why: string): Promise<Decision> {
    const id = position === 0 ? sentUnder : newId();
    const mode = typeof this.onUnavailable === "function" ? "custom" : this.onUnavailable;
    const isKept = this.#kept.length < MOST_KEPT;
    const allowed = isKept && (await this.#isAllowed(request));
    this.#isRefused = false;
    if (isKept) this.#kept.push({ ...request, id, allowed, mode, sent_under: sentUnder, position });
    return new Decision("sdk", id, { allowed, reason: "service_unavailable" }, undefined, why);
  }

  /** Hands what is kept to the service; how many it took. Throws ApiError or Unreachable; the rest stays. */
  reconcile(): Promise<number> {
    this.#underWay ??= this.#handOver().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** After a check that succeeded. What the service refused is not sent again with every check. */
  reconcileSoon(): void {
    if (this.#kept.length === 0 || this.#isRefused) return;
    this.reconcile().catch((error: unknown) => {
      this.#isRefused = error instanceof ApiError && !error.isUnavailable;
    });
  }

  async #handOver(): Promise<number> {
    let taken = 0;
    while (this.#kept.length > 0) {
      const decisions = this.#kept.slice(0, MOST_AT_ONCE);
      await this.calls.send({
        method: "POST",
        path: "/v1/decisions/reconcile",
        body: { decisions },
        idempotencyKey: newId(),
      });
      this.#kept.splice(0, decisions.length);
      taken += decisions.length;
    }
    return taken;
  }

  /** A function that fails, or that says anything but true, blocks. */
  async #isAllowed(request: CheckRequest): Promise<boolean> {
    if (typeof this.onUnavailable !== "function") return this.onUnavailable === "allow_and_report";
    try {
      return (await this.onUnavailable(request)) === true;
    } catch {
      return false;
    }
  }
}
