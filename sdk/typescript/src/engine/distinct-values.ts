/**
 * How many different values a fact has had today: a code has few, and what is written freely has ever new ones. Counted by
 * each client for itself; forgotten at midnight UTC.
 */

import { roomOf } from "./content/rooms.js";
import type { CheckFacts } from "./facts.js";
import { invalidRequest } from "./refusal.js";

const MOST_VALUES = 2000;
const MOST_KEPT = 1_000_000;
const DAY_MS = 86_400_000;
const DETAIL =
  "This field looks like free text: it had 2,000 different values today, so new values are rejected. " +
  "Send a code. For IDs, use a fact whose name ends in _id.";

export class DistinctValues {
  #day = today();
  #kept = 0;
  readonly #seen = new Map<string, Set<string>>();

  /** Throws Refusal for a new value where there were too many. */
  needFew({ model, operation, metadata }: CheckFacts): void {
    this.#need("model", model);
    this.#need("operation", operation);
    for (const [fact, value] of metadata) {
      if (typeof value === "string") this.#need(fact, value);
      else if (typeof value === "object") for (const one of value) this.#need(fact, one);
    }
  }

  #need(fact: string, value: string): void {
    const seen = this.#seen.get(fact);
    if (seen?.has(value)) return;
    if (today() !== this.#day || this.#kept >= MOST_KEPT) this.#forget();
    if (!isCode(fact)) return;
    const values = this.#seen.get(fact) ?? new Set();
    if (values.size >= MOST_VALUES) {
      const path = fact === "model" || fact === "operation" ? fact : `metadata.${fact}`;
      throw invalidRequest([{ path, code: "too_many_values", detail: DETAIL }]);
    }
    this.#seen.set(fact, values.add(value));
    this.#kept++;
  }

  #forget(): void {
    this.#day = today();
    this.#kept = 0;
    this.#seen.clear();
  }
}

function today(): number {
  return Math.floor(Date.now() / DAY_MS);
}

/** Ids, versions and hosts may be new every time. */
function isCode(fact: string): boolean {
  const room = roomOf(fact);
  return !(room.isOpaque || room.isVersion || room.isHost);
}
