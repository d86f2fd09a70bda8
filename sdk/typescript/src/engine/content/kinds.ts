/** The kinds of personal data that `pii_types` may name. */

import { KINDS } from "../tables.js";

const NORMAL = new Set(KINDS.map(normalKind));
export const LONGEST_KIND = Math.max(...KINDS.map((kind) => kind.length));

/** The form in which kinds are compared. */
export function normalKind(kind: string): string {
  return kind.replace(/[._:/+-]/g, "").toLowerCase().replace(/s$/, "");
}

export function isKind(token: string): boolean {
  return NORMAL.has(normalKind(token));
}
