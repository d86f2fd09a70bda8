/**
 * Facts that follow from the model's name, beside what the caller stated. A statement is completed, and where it contradicts
 * what is known of the model, that counts as the organization wants.
 */

import type { Contribution } from "../api.js";
import { normalModel, type OwnModel, type PolicyDocument } from "./document.js";
import type { CheckFacts, FactValue, Vocabulary } from "./facts.js";
import { type Found, type Lookup, lookupIn } from "./lookup.js";
import { FACTS } from "./tables.js";
import { Beyond } from "./trees.js";

type Value = boolean | string;

interface Known {
  readonly facts: ReadonlyMap<string, Value>;
  readonly isOwn: boolean;
  /** Those that may be stated of it; empty where any may. */
  readonly providers: ReadonlySet<string>;
}

interface Contradiction {
  readonly fact: string;
  readonly known: Value;
}

const IS_EXTERNAL = "is_external_model";
const PROVIDER = "gen_ai.provider.name";
const FAMILY = "model_family";
const REGION = "model_region";
const DERIVED = [IS_EXTERNAL, PROVIDER, FAMILY, REGION];
const MOST_KEPT = 2000;
/** Whose names begin those of their parts: eu-central-1. */
const COMPARED_REGIONS = new Set(["eu", "us"]);

/** For one policy version: its version of the catalogue and the organization's own entries. */
export class Completion {
  readonly #lookup: Lookup;
  readonly #exact: ReadonlyMap<string, OwnModel>;
  readonly #beginnings: readonly (readonly [string, OwnModel])[];
  readonly #derived: ReadonlySet<string>;
  readonly #known = new Map<string, Known>();

  /** Throws Beyond for a version of the catalogue that is newer than this code. */
  constructor(
    private readonly document: PolicyDocument,
    facts: Vocabulary,
  ) {
    const lookup = lookupIn(document.model_catalogue);
    if (lookup === undefined) throw new Beyond();
    this.#lookup = lookup;
    const own = document.own_models;
    this.#exact = new Map(own.filter((one) => !one.model.endsWith("*")).map((one) => [normalModel(one.model), one]));
    this.#beginnings = own
      .filter((one) => one.model.endsWith("*"))
      .map((one) => [normalModel(one.model.slice(0, -1)), one] as const)
      .sort(([some], [other]) => other.length - some.length);
    this.#derived = new Set(DERIVED.filter((name) => facts.get(name) === FACTS[name as keyof typeof FACTS]));
  }

  /** The facts to decide by, and what contradicts them. */
  complete(request: CheckFacts): { facts: CheckFacts; contradictions: readonly Contradiction[] } {
    const { model, metadata } = request;
    const known = this.#of(model);
    const contradictions = this.#contradictions(known, metadata);
    const decided = new Map<string, FactValue>([...known.facts, ...metadata]);
    if (this.document.on_contradiction === "catalogue") for (const one of contradictions) decided.set(one.fact, one.known);
    return { facts: { ...request, metadata: decided }, contradictions };
  }

  #of(model: string): Known {
    const kept = this.#known.get(model);
    if (kept !== undefined) return kept;
    const known = this.#lookUp(normalModel(model));
    if (this.#known.size < MOST_KEPT) this.#known.set(model, known);
    return known;
  }

  #lookUp(name: string): Known {
    const own = this.#exact.get(name) ?? this.#beginnings.find(([start]) => name.startsWith(start))?.[1];
    const found = this.#lookup.find(name);
    const facts = new Map([...factsOf(found), ...(own === undefined ? [] : ownFacts(own))]);
    for (const fact of facts.keys()) if (!this.#derived.has(fact)) facts.delete(fact);
    return { facts, isOwn: own !== undefined, providers: this.#providersOf(found, own) };
  }

  #providersOf({ entry, host }: Found, own: OwnModel | undefined): ReadonlySet<string> {
    if (own !== undefined && own.provider !== null) return new Set([this.#provider(own.provider)]);
    if (entry === undefined || entry.open_weights === true) return new Set(host === undefined ? [] : [host]);
    return new Set([host ?? entry.provider, entry.provider, ...(entry.hosts ?? [])]);
  }

  #provider(name: string): string {
    return this.#lookup.providerNamed(name) ?? name.toLowerCase();
  }

  #contradictions(known: Known, stated: ReadonlyMap<string, FactValue>): Contradiction[] {
    const found: Contradiction[] = [];
    for (const [fact, value] of known.facts) {
      const said = stated.get(fact);
      const isComparable = typeof said === "boolean" || typeof said === "string";
      if (isComparable && this.#contradicts(fact, said, value, known)) found.push({ fact, known: value });
    }
    return found;
  }

  #contradicts(fact: string, stated: Value, value: Value, known: Known): boolean {
    if (typeof stated === "boolean" || typeof value === "boolean") return stated !== value;
    const [said, wanted] = [stated.toLowerCase(), value.toLowerCase()];
    if (fact === PROVIDER) {
      const isListed = known.isOwn || this.#lookup.providerNamed(said) !== undefined;
      return isListed && !known.providers.has(this.#provider(said));
    }
    if (fact === REGION) {
      const isComparable = known.isOwn || COMPARED_REGIONS.has(wanted);
      return isComparable && said !== wanted && !said.startsWith(`${wanted}-`);
    }
    return said !== wanted;
  }
}

/** What contradictions add to a decision: nothing, unless they block. */
export function contradictionCauses(document: PolicyDocument, contradictions: readonly Contradiction[]): Contribution[] {
  if (contradictions.length === 0 || document.on_contradiction !== "block") return [];
  const names = contradictions.map((one) => one.fact).join(", ");
  return [
    {
      code: "catalogue_contradiction",
      policy: "on_contradiction",
      points: 100,
      blocks: true,
      message: `What was sent contradicts what is known of the model: ${names}.`,
      fix: "Send the facts of the model that is used, or add it to own_models.",
    },
  ];
}

/** Never that a model is internal: no name proves that. */
function factsOf({ entry, host, region }: Found): Map<string, Value> {
  const facts = new Map<string, Value>();
  const isClosed = entry !== undefined && entry.open_weights !== true;
  if (host !== undefined || isClosed) facts.set(IS_EXTERNAL, true);
  if (host !== undefined) facts.set(PROVIDER, host);
  else if (isClosed) facts.set(PROVIDER, entry.provider);
  if (entry !== undefined) facts.set(FAMILY, entry.family);
  if (region !== undefined) facts.set(REGION, region);
  return facts;
}

function ownFacts(own: OwnModel): [string, Value][] {
  const stated: [string, Value | null][] = [
    [IS_EXTERNAL, own.is_external],
    [PROVIDER, own.provider],
    [FAMILY, own.family],
    [REGION, own.region],
  ];
  return stated.filter((one): one is [string, Value] => one[1] !== null);
}
