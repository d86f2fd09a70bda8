/** What happens to a check while the service can't be reached. Never implicit: the result says so. */

import type { CheckRequest, Unreachable } from "./api.js";

/** Block, allow and report, or a function of the request that says whether it is allowed. */
export type OnUnavailable =
  | "block"
  | "allow_and_report"
  | ((request: CheckRequest) => boolean | Promise<boolean>);

export type Mode = "block" | "allow_and_report" | "custom";

const MOST_OPERATIONS = 1000;

/** What the policies declare for each operation, as they are held here or as the service said it last. */
export class Declared {
  readonly #modes = new Map<string, Unreachable>();

  constructor(private readonly held: (operation: string) => Unreachable | undefined) {}

  /** An answer that says nothing of it: nothing is declared any more. */
  note(operation: string, mode: Unreachable | undefined): void {
    const name = normal(operation);
    if (mode === undefined) this.#modes.delete(name);
    else if (this.#modes.has(name) || this.#modes.size < MOST_OPERATIONS) this.#modes.set(name, mode);
  }

  of(operation: string): Unreachable | undefined {
    return this.held(operation) ?? this.#modes.get(normal(operation));
  }
}

/**
 * The mode that decides, and whether it allows the request.
 *
 * What the policies declare holds where nothing was chosen. Beside a choice it can only block: the stricter of the two holds.
 * A mode that is not known blocks, and so does a function that fails or says anything but true.
 */
export async function decided(
  chosen: OnUnavailable | undefined,
  declared: Unreachable | undefined,
  request: CheckRequest,
): Promise<{ mode: Mode; allowed: boolean }> {
  if (chosen === undefined) {
    const mode = declared === "allow_and_report" ? declared : "block";
    return { mode, allowed: mode === "allow_and_report" };
  }
  if (declared !== undefined && declared !== "allow_and_report") return { mode: "block", allowed: false };
  if (typeof chosen !== "function") return { mode: chosen, allowed: chosen === "allow_and_report" };
  try {
    return { mode: "custom", allowed: (await chosen(request)) === true };
  } catch {
    return { mode: "custom", allowed: false };
  }
}

function normal(operation: unknown): string {
  return String(operation).toLowerCase().replaceAll("-", "_");
}
