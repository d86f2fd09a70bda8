/** Some rules of a policy version, made ready together: which of them apply to a request. */

import type { Contribution } from "../api.js";
import type { Rule } from "./document.js";
import type { CheckFacts, Vocabulary } from "./facts.js";
import { type Condition, conditionOf, isAlwaysStated, type Read, Sources, sourcesIn } from "./trees.js";

/** A rule's conditions: every one of the first has to hold, one of the second, and none of the third. */
export type RuleTrees = readonly [readonly unknown[], readonly unknown[], readonly unknown[]];
type Truth = boolean | undefined;
type Judged = (read: Read) => Truth;

interface ReadyRule {
  readonly rule: Rule;
  readonly truth: Judged;
  /** The names of the facts of its conditions. */
  readonly needs: readonly string[];
}

export class RuleSet {
  readonly #sources: Sources;
  readonly #rules: readonly ReadyRule[];

  /** Throws Beyond where trees do not fit the facts. */
  constructor(
    readonly rules: readonly Rule[],
    trees: Readonly<Record<string, RuleTrees>>,
    facts: Vocabulary,
  ) {
    this.#sources = new Sources(facts);
    this.#rules = rules.map((rule) => ready(rule, trees, this.#sources));
  }

  /** Of the rules that apply, in the order of the rules. Throws ForTheService. */
  causes({ model, operation, metadata }: CheckFacts): Contribution[] {
    if (this.#rules.length === 0) return [];
    const read = this.#sources.read(model, operation, metadata);
    const causes: Contribution[] = [];
    for (const { rule, truth, needs } of this.#rules) {
      const found = truth(read);
      if (found === true) causes.push(causeOf(rule));
      else if (found === undefined && (rule.on_missing ?? "block") !== "skip") {
        const missing = needs.filter((name) => !metadata.has(name));
        causes.push(unknownCause(rule, missing.join(", ") || "facts of the declared types"));
      }
    }
    return causes;
  }
}

function ready(rule: Rule, trees: Readonly<Record<string, RuleTrees>>, sources: Sources): ReadyRule {
  const given = Object.hasOwn(trees, rule.code) ? trees[rule.code] : undefined;
  if (given === undefined) throw new TypeError(`no trees of rule ${rule.code}`);
  const [all, any, none] = given.map((part) => part.map((tree) => judged(tree, sources))) as [Judged[], Judged[], Judged[]];
  const found = given.flat().flatMap(sourcesIn).filter((source) => source.form !== "field");
  const names = new Set(found.map((source) => source.name));
  names.delete("model");
  names.delete("operation");
  return { rule, truth: (read) => joinedTruth(read, all, any, none), needs: [...names].sort() };
}

/** A condition's truth, or undefined where it needs what is not stated. */
function judged(tree: unknown, sources: Sources): Judged {
  const holds: Condition = conditionOf(tree, sources);
  const needed = sourcesIn(tree)
    .filter((source) => !isAlwaysStated(source))
    .map((source) => sources.placeOf(source));
  return (read) => (needed.some((place) => read[place] === undefined) ? undefined : holds(read) === true);
}

/** Kleene's conjunction of what must all hold, of which at least one must, and of which none may. */
function joinedTruth(read: Read, all: readonly Judged[], any: readonly Judged[], none: readonly Judged[]): Truth {
  let isSettled = true;
  for (const judge of all) {
    const truth = judge(read);
    if (truth === false) return false;
    if (truth === undefined) isSettled = false;
  }
  for (const judge of none) {
    const truth = judge(read);
    if (truth === true) return false;
    if (truth === undefined) isSettled = false;
  }
  if (any.length > 0) {
    const truths = any.map((judge) => judge(read));
    if (!truths.includes(true)) {
      if (!truths.includes(undefined)) return false;
      isSettled = false;
    }
  }
  return isSettled ? true : undefined;
}

function causeOf(rule: Rule): Contribution {
  const { code, points, message, fix } = rule;
  return { code, policy: "rules", points, blocks: rule.effect === "block", message, fix };
}

/** Nobody knows whether the rule applies. */
function unknownCause(rule: Rule, missing: string): Contribution {
  return {
    ...causeOf(rule),
    blocks: true,
    message: `${rule.message} (A fact that this rule needs is missing.)`,
    fix: `Send ${missing}.`,
    fail_mode: "on_missing",
  };
}
