/** Names of fields that would hold content, at any depth, whatever their case, separators or affixes. */

import { casefold, isAscii, joinPath, lengthOf } from "../text.js";
import { ALIASES, CONTENT_NAMES, CONTENT_STEMS, FACTS, refusal } from "../tables.js";
import { MOST_NAMED, Refusal } from "../refusal.js";

const LONGEST_NAME = 164;
const MOST_KNOWN = 4096;
const LONGEST_KNOWN = 64;
const MOST_NAMES = 256;
const MOST_CONTAINERS = 256;
const SLICE_BYTES = 16_384;
const WHOLE_NAMES = new Set(CONTENT_NAMES);
const HARMLESS = new Set([...Object.keys(FACTS), ...Object.keys(ALIASES)]);
const NO_LETTERS = /[^\p{L}\p{N}]/gu;
const known = new Map<string, boolean>();

export function looksLikeContent(name: string): boolean {
  if (HARMLESS.has(name)) return false;
  if (lengthOf(name) > LONGEST_NAME) return true;
  const judged = known.get(name);
  if (judged !== undefined) return judged;
  const found = hasContentStem(name);
  if (known.size >= MOST_KNOWN) known.clear();
  if (name.length <= LONGEST_KNOWN) known.set(name, found);
  return found;
}

function hasContentStem(name: string): boolean {
  const letters = casefold(isAscii(name) ? name : name.normalize("NFKC")).replace(NO_LETTERS, "");
  if (WHOLE_NAMES.has(letters) || letters.endsWith("body")) return true;
  const rest = letters.replaceAll("context", "");
  return CONTENT_STEMS.some((stem) => rest.includes(stem));
}

/** The same, but a number or truth value under the name of a quantity of content is a fact. */
function isContent(name: string, value: unknown): boolean {
  if (!looksLikeContent(name)) return false;
  const isQuantity = typeof value === "number" || typeof value === "boolean";
  return !(isQuantity && refusal.QUANTITY.test(casefold(name)));
}

/** Throws Refusal where a name at any depth of what was sent is one for content, or where there is too much to look at. */
export function needNoContent(text: string, parsed: unknown): void {
  needFew(text);
  const paths: string[] = [];
  addContentPaths(parsed, "", paths);
  if (paths.length === 0) return;
  const detail = "This field name indicates content. Remove the field.";
  throw new Refusal(
    400,
    "content_refused",
    "Send facts about the operation, never its content. Remove the fields listed in errors. None of the request was stored.",
    paths.map((path) => ({ path, code: "content_refused", detail })),
  );
}

function addContentPaths(value: unknown, path: string, found: string[]): void {
  if (typeof value !== "object" || value === null || found.length >= MOST_NAMED) return;
  if (Array.isArray(value)) {
    for (const [index, child] of value.entries()) addContentPaths(child, `${path}[${index}]`, found);
    return;
  }
  const entries = Object.entries(value);
  for (const [name, child] of entries) {
    if (found.length < MOST_NAMED && isContent(name, child)) found.push(joinPath(path, name));
  }
  for (const [name, child] of entries) addContentPaths(child, joinPath(path, name), found);
}

function needFew(text: string): void {
  if (text.length <= MOST_NAMES) return;
  if (occurrences(text, ":") > MOST_NAMES && hasMoreNames(text)) {
    throw new Refusal(
      400,
      "too_many_names",
      "Send at most 50 facts per operation, without nesting. None of the request was stored.",
    );
  }
  if (occurrences(text, "{") + occurrences(text, "[") > MOST_CONTAINERS) {
    throw new Refusal(400, "invalid_json", "The body has too many objects or lists. Facts cannot be nested.");
  }
}

/** In slices of bytes, as the service does: a name between two of them does not count. */
function hasMoreNames(text: string): boolean {
  const bytes = Buffer.from(text).toString("latin1");
  let found = 0;
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    found += bytes.slice(start, start + SLICE_BYTES).match(/"\s*:/g)?.length ?? 0;
    if (found > MOST_NAMES) return true;
  }
  return false;
}

function occurrences(text: string, character: string): number {
  return text.split(character).length - 1;
}
