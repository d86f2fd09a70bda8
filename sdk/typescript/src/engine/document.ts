/** The content of one policy version, as the bundle has it, with its defaults. */

import type { Fact, FactType, Vocabulary } from "./facts.js";
import { FACTS, FOUNDING_SPELLINGS } from "./tables.js";

export interface Rule {
  readonly code: string;
  readonly message: string;
  readonly effect: "block" | "add_risk";
  readonly points: number;
  readonly on_missing?: "block" | "skip";
  readonly fix: string;
  readonly state: "off" | "shadow" | "percent" | "enforced";
  readonly percent: number;
}

/** What clients do while the service can't be reached: for some operations, or for all that no other entry names. */
export interface FailMode {
  readonly mode: "block" | "allow_and_report";
  readonly operations: readonly string[];
}

export interface RequiredFact {
  readonly fact: string;
  readonly if_missing: "block" | "add_risk" | "report";
  readonly points: number;
  readonly operations: readonly string[];
  readonly applications: readonly string[];
}

export interface OwnModel {
  readonly model: string;
  readonly is_external: boolean | null;
  readonly provider: string | null;
  readonly family: string | null;
  readonly region: string | null;
}

export interface PolicyDocument {
  readonly block_personal_data: boolean;
  readonly block_external_models: boolean;
  readonly count_points_when_off: boolean;
  readonly max_risk_score: number;
  readonly points_personal_data: number;
  readonly points_external_model: number;
  readonly points_large_dataset: number;
  readonly points_unknown_operation: number;
  readonly large_dataset_records: number;
  readonly known_operations: readonly string[];
  readonly allowed_models: readonly string[];
  readonly denied_operations: readonly string[];
  readonly model_catalogue: string;
  readonly on_contradiction: "caller" | "catalogue" | "block";
  readonly own_models: readonly OwnModel[];
  readonly required_facts: readonly RequiredFact[];
  readonly on_unreachable: readonly FailMode[];
  readonly custom_facts: Readonly<Record<string, FactType>>;
  readonly rules: readonly Rule[];
}

/** The form in which models are compared. */
export function normalModel(name: string): string {
  return name.toLowerCase();
}

/** The form in which operations are compared, so that `fine-tuning` is denied where `fine_tuning` is. */
export function normalOperation(name: string): string {
  return name.toLowerCase().replaceAll("-", "_");
}

/** All that may be stated: ours and the organization's own, which go first. */
export function factsOf(document: PolicyDocument): Vocabulary {
  const facts = new Map<string, Fact>(Object.entries(FACTS) as [string, Fact][]);
  for (const [name, type] of Object.entries(document.custom_facts)) facts.set(name, { type, choices: [] });
  return facts;
}

export function knownOperationsOf(document: PolicyDocument): ReadonlySet<string> {
  const listed = new Set(document.known_operations.map(normalOperation));
  for (const [founding, usual] of Object.entries(FOUNDING_SPELLINGS)) {
    if (listed.has(usual)) listed.add(founding);
  }
  return listed;
}
