/**
 * Conditions as trees: lists of an operator and its operands, which are JSON. Each becomes a function of what a request
 * states; nothing is ever evaluated as code.
 */

import { ForTheService } from "./refusal.js";
import { normalKind } from "./content/kinds.js";
import { normalModel, normalOperation } from "./document.js";
import type { FactType, FactValue, Vocabulary } from "./facts.js";
import { compareTexts } from "./text.js";

/** What the conditions of some rules read of one request, by the place of its source; undefined where it is not stated. */
export type Read = readonly (FactValue | undefined)[];
export type Condition = (read: Read) => unknown;

type Reader = (model: string, operation: string, stated: ReadonlyMap<string, FactValue>) => FactValue | undefined;

interface Source {
  readonly form: string;
  readonly name: string;
}

const SOURCES = new Set(["fact", "lowered", "normal", "field"]);
const ALWAYS_STATED = new Set(["field model", "field operation", "normal model", "normal operation"]);
const PII_TYPES = "pii_types";
const utf8 = new TextEncoder();

/** Something that is no tree of this version: the policies are newer. */
export class Beyond extends Error {}

/** The sources of some conditions, each read once for a request. */
export class Sources {
  readonly #places = new Map<string, number>();
  readonly #readers: Reader[] = [];

  constructor(private readonly facts: Vocabulary) {}

  placeOf(source: Source): number {
    const key = `${source.form} ${source.name}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#readers.push(readerOf(source, this.facts));
    this.#places.set(key, this.#readers.length - 1);
    return this.#readers.length - 1;
  }

  /** Throws ForTheService where a fact is not of its declared type. */
  read(model: string, operation: string, stated: ReadonlyMap<string, FactValue>): Read {
    return this.#readers.map((reader) => reader(model, operation, stated));
  }
}

export function sourcesIn(tree: unknown): Source[] {
  if (!Array.isArray(tree)) return [];
  const [sign, ...parts] = tree as [unknown, ...unknown[]];
  if (typeof sign === "string" && SOURCES.has(sign)) return [{ form: sign, name: String(parts[0]) }];
  return parts.flatMap(sourcesIn);
}

export function isAlwaysStated({ form, name }: Source): boolean {
  return ALWAYS_STATED.has(`${form} ${name}`);
}

function readerOf({ form, name }: Source, facts: Vocabulary): Reader {
  if (form === "field" && name === "model") return (model) => model;
  if (form === "field" && name === "operation") return (_, operation) => operation;
  if (form === "normal" && name === "model") return (model) => normalModel(model);
  if (form === "normal" && name === "operation") return (_, operation) => normalOperation(operation);
  const type = facts.get(name)?.type;
  if (type === undefined || form === "field" || (form === "normal" && name !== PII_TYPES)) throw new Beyond();
  return (_model, _operation, stated) => {
    const value = stated.get(name);
    if (value === undefined) return undefined;
    if (!isOf(type, value)) throw new ForTheService("a fact is not of its declared type");
    if (form === "fact") return value;
    const change = form === "normal" ? normalKind : (text: string) => text.toLowerCase();
    if (typeof value === "string") return change(value);
    return typeof value === "object" ? value.map(change) : value;
  };
}

function isOf(type: FactType, value: FactValue): boolean {
  switch (type) {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    case "token":
      return typeof value === "string";
    case "tokens":
      return typeof value === "object";
  }
}

/** Throws Beyond for what is no tree. */
export function conditionOf(tree: unknown, sources: Sources): Condition {
  if (typeof tree === "boolean" || typeof tree === "number" || typeof tree === "string") return () => tree;
  if (!Array.isArray(tree) || typeof tree[0] !== "string") throw new Beyond();
  const [sign, ...parts] = tree as [string, ...unknown[]];
  if (SOURCES.has(sign)) {
    const place = sources.placeOf({ form: sign, name: String(parts[0]) });
    return (read) => read[place];
  }
  const operands = parts.map((part) => conditionOf(part, sources));
  const make = OPERATORS.get(sign);
  if (make === undefined) throw new Beyond();
  return make(operands);
}

type Compare = (left: never, right: never) => boolean;

const OPERATORS = new Map<string, (operands: readonly Condition[]) => Condition>([
  ["list", (operands) => (read) => operands.map((operand) => operand(read))],
  ["and", (operands) => some(operands, (read) => operands.every((operand) => operand(read) === true))],
  ["or", (operands) => some(operands, (read) => operands.some((operand) => operand(read) === true))],
  ["not", (operands) => one(operands, (value: boolean) => !value)],
  ["bytes", (operands) => one(operands, (text: string) => utf8.encode(text).length)],
  ["length", (operands) => one(operands, (list: readonly string[]) => list.length)],
  ["==", (operands) => two(operands, (left, right) => left === right)],
  ["!=", (operands) => two(operands, (left, right) => left !== right)],
  ["<", (operands) => two(operands, (left, right) => order(left, right) < 0)],
  ["<=", (operands) => two(operands, (left, right) => order(left, right) <= 0)],
  [">", (operands) => two(operands, (left, right) => order(left, right) > 0)],
  [">=", (operands) => two(operands, (left, right) => order(left, right) >= 0)],
  ["in", (operands) => two(operands, (text: string, list: readonly string[]) => list.includes(text))],
  ["startsWith", (operands) => two(operands, (text: string, part: string) => text.startsWith(part))],
  ["endsWith", (operands) => two(operands, (text: string, part: string) => text.endsWith(part))],
  ["contains", (operands) => two(operands, (text: string, part: string) => text.includes(part))],
]);

function order(left: number | string, right: number | string): number {
  if (typeof left === "string" && typeof right === "string") return compareTexts(left, right);
  return Number(left) - Number(right);
}

function some(operands: readonly Condition[], condition: Condition): Condition {
  if (operands.length === 0) throw new Beyond();
  return condition;
}

function one(operands: readonly Condition[], apply: (value: never) => unknown): Condition {
  const [only] = operands;
  if (only === undefined || operands.length !== 1) throw new Beyond();
  return (read) => apply(only(read) as never);
}

function two(operands: readonly Condition[], compare: Compare): Condition {
  const [left, right] = operands;
  if (left === undefined || right === undefined || operands.length !== 2) throw new Beyond();
  return (read) => compare(left(read) as never, right(read) as never);
}
