/** From a request as it would be sent to typed facts, or to a refusal that names every field at fault. */

import type { FieldProblem } from "../api.js";
import { isKind, LONGEST_KIND } from "./content/kinds.js";
import { isCard } from "./content/personal-numbers.js";
import { type Room, roomOf } from "./content/rooms.js";
import { problemOf } from "./content/token-content.js";
import { invalidRequest, MOST_NAMED } from "./refusal.js";
import { nearest } from "./spelling.js";
import { ADVICE, ALIASES, facts as patterns, KINDS, ROOMS } from "./tables.js";
import { joinPath, showName } from "./text.js";

export type FactType = "boolean" | "integer" | "number" | "token" | "tokens";
export type FactValue = boolean | number | string | readonly string[];
export type Vocabulary = ReadonlyMap<string, Fact>;

export interface Fact {
  readonly type: FactType;
  readonly choices: readonly string[];
}

/** What is decided about: the model, the operation and the typed facts under their canonical names. */
export interface CheckFacts {
  readonly model: string;
  readonly operation: string;
  readonly metadata: ReadonlyMap<string, FactValue>;
}

export interface Question {
  readonly facts: CheckFacts;
  readonly subject: string | undefined;
}

const FIELDS = ["model", "operation", "metadata", "subject"];
const SHAPES: Readonly<Record<"model" | "operation" | "subject", readonly [RegExp, Room, string]>> = {
  model: [patterns.MODEL, ROOMS.MODELS, ADVICE.MODEL_ADVICE],
  operation: [patterns.OPERATION, ROOMS.CODES, ADVICE.OPERATION_ADVICE],
  subject: [patterns.TOKEN, ROOMS.PSEUDONYMS, ADVICE.SUBJECT_ADVICE],
};
const OTHER_NAMES = new Map<string, string>(Object.entries(ALIASES));
const MOST_FACTS = 50;
const MOST_TOKENS = 20;
const LONGEST_TOKEN = 128;
/** The first whole number that could be that of a card. */
const FIRST_CARD = 10 ** 12;
/** From here on a number is written with an exponent, and so is no whole one. */
const FIRST_WITH_EXPONENT = 1e21;
const SEED = "gen_ai.request.seed";
const PII_TYPES = "pii_types";

class Fault extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
    readonly suggestion?: string,
  ) {
    super(code);
  }
}

/** Throws Refusal with an entry for each of the first fields at fault; values are never repeated. */
export function readQuestion(parsed: unknown, vocabulary: Vocabulary): Question {
  if (!isObject(parsed)) throw invalidRequest([], "Send one JSON object with model, operation and metadata.");
  const problems: FieldProblem[] = Object.keys(parsed)
    .filter((name) => !FIELDS.includes(name))
    .slice(0, MOST_NAMED)
    .map(unknownField);
  const model = tokenIn(parsed, "model", problems);
  const operation = tokenIn(parsed, "operation", problems);
  const subject = isMissing(own(parsed, "subject")) ? undefined : tokenIn(parsed, "subject", problems);
  const metadata = readMetadata(own(parsed, "metadata"), vocabulary, problems);
  if (problems.length > 0) throw invalidRequest(problems.slice(0, MOST_NAMED));
  return { facts: { model, operation: operation.toLowerCase(), metadata }, subject };
}

function tokenIn(parsed: object, name: keyof typeof SHAPES, problems: FieldProblem[]): string {
  const value = own(parsed, name);
  const [shape, room, advice] = SHAPES[name];
  if (isMissing(value)) {
    problems.push({ path: name, code: "missing", detail: advice });
  } else if (typeof value !== "string") {
    problems.push({ path: name, code: "wrong_type", detail: `Expected a string, got ${kindOf(value)}. ${advice}` });
  } else if (!shape.test(value)) {
    problems.push({ path: name, code: "not_a_token", detail: advice });
  } else {
    const instead = problemOf(value, room);
    if (instead === undefined) return value;
    problems.push({ path: name, code: "looks_like_content", detail: instead });
  }
  return "";
}

function unknownField(name: string): FieldProblem {
  const detail = `Unknown field. The fields are ${FIELDS.join(", ")}; facts belong in metadata.`;
  return problemAt(showName(name), new Fault("unknown_field", detail, nearest(name, FIELDS)));
}

function problemAt(path: string, { code, detail, suggestion }: Fault): FieldProblem {
  return suggestion === undefined ? { path, code, detail } : { path, code, detail, suggestion };
}

function readMetadata(
  metadata: unknown,
  vocabulary: Vocabulary,
  problems: FieldProblem[],
): Map<string, FactValue> {
  const facts = new Map<string, FactValue>();
  if (isMissing(metadata)) return facts;
  if (!isObject(metadata)) {
    const detail = `Expected an object of facts, got ${kindOf(metadata)}.`;
    problems.push({ path: "metadata", code: "wrong_type", detail });
    return facts;
  }
  const given = Object.entries(metadata);
  if (given.length > MOST_FACTS) {
    problems.push({ path: "metadata", code: "too_many", detail: `Send at most ${MOST_FACTS} facts.` });
    return facts;
  }
  for (const [givenName, value] of given) {
    if (problems.length >= MOST_NAMED) break;
    const name = vocabulary.has(givenName) ? givenName : (OTHER_NAMES.get(givenName) ?? givenName);
    try {
      addFact(facts, name, readFact(name, value, vocabulary));
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      problems.push(problemAt(joinPath("metadata", givenName), fault));
    }
  }
  return facts;
}

function addFact(facts: Map<string, FactValue>, name: string, typed: FactValue): void {
  const before = facts.get(name);
  if (before === undefined) facts.set(name, typed);
  else if (!isSame(before, typed)) {
    throw new Fault("contradiction", `Two spellings of ${name} have different values. Send it once.`);
  }
}

function isSame(some: FactValue, other: FactValue): boolean {
  if (typeof some !== "object" || typeof other !== "object") return some === other;
  return some.length === other.length && some.every((token, place) => token === other[place]);
}

function readFact(name: string, value: unknown, vocabulary: Vocabulary): FactValue {
  const fact = vocabulary.get(name);
  if (fact === undefined) throw unknownFact(name, value, vocabulary);
  const typed = READERS[fact.type](value);
  if (fact.choices.length > 0) {
    if (!fact.choices.includes(typed as string)) {
      throw new Fault("not_a_choice", `Expected one of ${fact.choices.join(", ")}.`);
    }
  } else if (name === PII_TYPES) {
    needKinds(typed as readonly string[]);
  } else {
    needNoContent(name, typed);
  }
  return typed;
}

function needKinds(tokens: readonly string[]): void {
  for (const token of tokens) {
    if (isKind(token)) continue;
    const detail = "Expected kinds of personal data, such as email, iban or health; never the data, nor other words.";
    throw new Fault("not_a_choice", detail, token.length <= LONGEST_KIND ? nearest(token, KINDS) : undefined);
  }
}

function needNoContent(name: string, typed: FactValue): void {
  if (typeof typed === "boolean") return;
  if (typeof typed === "number") {
    const isSuspect = Number.isInteger(typed) && typed >= FIRST_CARD && name !== SEED;
    if (!isSuspect || !isCard(String(typed))) return;
    throw new Fault("looks_like_content", "This looks like a card number. Leave it out, or send a count.");
  }
  const room = roomOf(name);
  for (const token of typeof typed === "string" ? [typed] : typed) {
    const instead = problemOf(token, room);
    if (instead !== undefined) throw new Fault("looks_like_content", instead);
  }
}

function unknownFact(name: string, value: unknown, vocabulary: Vocabulary): Fault {
  if (isObject(value)) return new Fault("nested", "Facts are flat. Use a dotted name, such as gen_ai.usage.input_tokens.");
  const near = nearest(name, [...vocabulary.keys(), ...OTHER_NAMES.keys()]);
  const hint = near === undefined ? "Declare it under custom_facts, or leave it out." : `Did you mean ${near}?`;
  return new Fault("unknown_fact", `Unknown fact. ${hint}`, near);
}

function readBoolean(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw wrongType("true or false", value);
}

function readInteger(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) >= FIRST_WITH_EXPONENT) {
    throw wrongType("a whole number", value);
  }
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new Fault("out_of_range", `Expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
}

function readNumber(value: unknown): number {
  if (typeof value !== "number") throw wrongType("a number", value);
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  throw new Fault("out_of_range", `Expected a finite number up to ${Number.MAX_SAFE_INTEGER}.`);
}

function readToken(value: unknown): string {
  if (typeof value !== "string") throw wrongType("a string", value);
  if (patterns.TOKEN.test(value)) return value;
  const detail =
    "Expected one short token: letters, digits and . _ : / + -, no spaces, at most " +
    `${LONGEST_TOKEN} characters. Free text is not accepted.`;
  throw new Fault("not_a_token", detail);
}

function readTokens(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw wrongType("a list of strings", value);
  if (value.length > MOST_TOKENS) throw new Fault("too_many", `Send at most ${MOST_TOKENS} entries.`);
  return value.map(readToken);
}

const READERS: Readonly<Record<FactType, (value: unknown) => FactValue>> = {
  boolean: readBoolean,
  integer: readInteger,
  number: readNumber,
  token: readToken,
  tokens: readTokens,
};

function wrongType(expected: string, value: unknown): Fault {
  return new Fault("wrong_type", `Expected ${expected}, got ${kindOf(value)}.`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isMissing(value)) return "null";
  const kinds = { boolean: "true or false", number: "a number", string: "a string", object: "an object" };
  return kinds[typeof value as keyof typeof kinds];
}

function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function own(parsed: object, name: string): unknown {
  return Object.hasOwn(parsed, name) ? (parsed as Record<string, unknown>)[name] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
