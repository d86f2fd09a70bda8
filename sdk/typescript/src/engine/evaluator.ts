/** Deciding: a pure function of a policy version and a request. No clock, no randomness, no network. */

import type { Contribution } from "../api.js";
import { blake2b } from "./blake2b.js";
import { Completion, contradictionCauses } from "./derivation.js";
import {
  type FailMode,
  factsOf,
  knownOperationsOf,
  normalModel,
  normalOperation,
  type PolicyDocument,
  type RequiredFact,
} from "./document.js";
import type { CheckFacts, FactValue, Vocabulary } from "./facts.js";
import { RuleSet, type RuleTrees } from "./rule-set.js";

const HIGHEST_SCORE = 100;
const BUCKETS = 10_000n;

export interface Outcome {
  readonly allowed: boolean;
  readonly riskScore: number;
  readonly reason: string;
  readonly reasons: readonly Contribution[];
}

/** A policy version made ready for deciding. */
export class Policy {
  readonly facts: Vocabulary;
  readonly #allowedModels: ReadonlySet<string>;
  readonly #allowedBeginnings: readonly string[];
  readonly #deniedOperations: ReadonlySet<string>;
  readonly #knownOperations: ReadonlySet<string>;
  readonly #enforced: RuleSet;
  readonly #onTrial: RuleSet;
  readonly #shares: ReadonlyMap<string, boolean>;
  readonly #completion: Completion | undefined;

  /** `bucketKey` is whose requests these are, where no subject is sent. Throws Beyond for what is newer than this code. */
  constructor(
    readonly document: PolicyDocument,
    trees: Readonly<Record<string, RuleTrees>>,
    bucketKey: string,
  ) {
    this.facts = factsOf(document);
    this.#allowedModels = new Set(document.allowed_models.map(normalModel));
    this.#allowedBeginnings = document.allowed_models.filter(isOpen).map((one) => normalModel(one.slice(0, -1)));
    this.#deniedOperations = new Set(document.denied_operations.map(normalOperation));
    this.#knownOperations = knownOperationsOf(document);
    const inState = (...states: string[]) => document.rules.filter((rule) => states.includes(rule.state));
    this.#enforced = new RuleSet(inState("enforced"), trees, this.facts);
    this.#onTrial = new RuleSet(inState("shadow", "percent"), trees, this.facts);
    const shared = inState("percent").map((rule) => [rule.code, isInShare(rule.code, rule.percent, bucketKey)] as const);
    this.#shares = new Map(shared);
    this.#completion = document.model_catalogue === "" ? undefined : new Completion(document, this.facts);
  }

  /** Whether a rule is in force for a share of the subjects. */
  get hasShare(): boolean {
    return this.#shares.size > 0;
  }

  /** What clients do with it while the service can't be reached; undefined where nothing is declared for it. */
  onUnreachable(operation: string): FailMode["mode"] | undefined {
    const declared = this.document.on_unreachable;
    const wanted = normalOperation(operation);
    const named = declared.filter((one) => one.operations.map(normalOperation).includes(wanted));
    return (named.at(-1) ?? declared.find((one) => one.operations.length === 0))?.mode;
  }

  /** Allowed if nothing blocks by itself and the points, capped at 100, stay below the policy's highest score. */
  evaluate(request: CheckFacts): Outcome {
    const completed = this.#completion?.complete(request);
    const facts = completed?.facts ?? request;
    const causes = [
      ...this.#builtInCauses(facts),
      ...this.#enforced.causes(facts),
      ...this.#missingCauses(facts),
      ...contradictionCauses(this.document, completed?.contradictions ?? []),
      ...this.#onTrial.causes(facts).filter((cause) => this.#shares.get(cause.code) === true),
    ];
    causes.sort((some, other) => Number(other.blocks) - Number(some.blocks) || other.points - some.points);
    const riskScore = Math.min(HIGHEST_SCORE, causes.reduce((sum, cause) => sum + cause.points, 0));
    const allowed = riskScore < this.document.max_risk_score && causes[0]?.blocks !== true;
    return { allowed, riskScore, reason: allowed ? "ok" : (causes[0]?.code ?? "ok"), reasons: causes };
  }

  #missingCauses({ operation, metadata }: CheckFacts): Contribution[] {
    const normal = normalOperation(operation);
    return this.document.required_facts.filter((one) => isMissed(one, normal, metadata)).map(missingCause);
  }

  #builtInCauses({ model, operation, metadata }: CheckFacts): Contribution[] {
    const { document } = this;
    const causes: Contribution[] = [];
    const add = (code: string, policy: string, points: number, blocks: boolean, message: string, fix: string): void => {
      causes.push({ code, policy, points, blocks, message, fix });
    };
    if (metadata.get("contains_personal_data") === true && this.#counts(document.block_personal_data)) {
      add(
        ...(["contains_personal_data", "block_personal_data"] as const),
        document.points_personal_data,
        document.block_personal_data,
        "The operation works on personal data.",
        "Remove or anonymize the personal data, then send contains_personal_data: false. " +
          "Pseudonymized data still counts as personal data.",
      );
    }
    if (metadata.get("is_external_model") === true && this.#counts(document.block_external_models)) {
      const instead = document.block_external_models ? "turn off block_external_models" : "lower points_external_model";
      add(
        ...(["external_model_detected", "block_external_models"] as const),
        document.points_external_model,
        document.block_external_models,
        "The model runs outside your own systems.",
        `Use your own model, or ${instead} if external models are acceptable.`,
      );
    }
    if (this.#isLarge(metadata)) {
      add(
        ...(["large_dataset", "points_large_dataset"] as const),
        document.points_large_dataset,
        false,
        "The operation works on a large dataset.",
        `Send fewer than ${document.large_dataset_records} records at once.`,
      );
    }
    if (this.#deniedOperations.has(normalOperation(operation))) {
      add(
        ...(["operation_denied", "denied_operations", HIGHEST_SCORE, true] as const),
        "This operation is on the list of denied operations.",
        "Use another operation, or remove this one from denied_operations.",
      );
    }
    if (this.#allowedModels.size > 0 && !this.#isAllowed(normalModel(model))) {
      add(
        ...(["model_not_allowed", "allowed_models", HIGHEST_SCORE, true] as const),
        "This model is not on the list of allowed models.",
        "Use an allowed model, or add this one to allowed_models.",
      );
    }
    if (!this.#knownOperations.has(normalOperation(operation))) {
      add(
        ...(["unknown_operation", "points_unknown_operation"] as const),
        document.points_unknown_operation,
        false,
        "This operation is not on the list of known operations.",
        "Use a known operation, or add this one to known_operations.",
      );
    }
    return causes;
  }

  #counts(isOn: boolean): boolean {
    return isOn || this.document.count_points_when_off;
  }

  #isAllowed(model: string): boolean {
    return this.#allowedModels.has(model) || this.#allowedBeginnings.some((start) => model.startsWith(start));
  }

  #isLarge(metadata: ReadonlyMap<string, FactValue>): boolean {
    if (metadata.get("is_large_dataset") === true) return true;
    const records = metadata.get("dataset_record_count");
    const isCount = typeof records === "boolean" || Number.isInteger(records);
    return isCount && Number(records) >= this.document.large_dataset_records;
  }
}

function isOpen(model: string): boolean {
  return model.endsWith("*");
}

function isInShare(code: string, percent: number, bucketKey: string): boolean {
  return blake2b(`${code}:${bucketKey}`, 8) % BUCKETS < BigInt(percent) * (BUCKETS / 100n);
}

function isMissed(required: RequiredFact, operation: string, stated: ReadonlyMap<string, FactValue>): boolean {
  if (stated.has(required.fact)) return false;
  if (required.operations.length > 0 && !required.operations.map(normalOperation).includes(operation)) return false;
  if (required.applications.length === 0) return true;
  const application = String(stated.get("application") ?? "").toLowerCase();
  return required.applications.some((one) => one.toLowerCase() === application);
}

function missingCause(required: RequiredFact): Contribution {
  return {
    code: "fact_missing",
    policy: "required_facts",
    points: required.if_missing === "add_risk" ? required.points : 0,
    blocks: required.if_missing === "block",
    message: `The fact ${required.fact} is required and was not sent.`,
    fix: `Send ${required.fact}.`,
  };
}
