/** Made from the API's description by `python -m deploy.sdk_types`; not to be changed by hand. */

export interface BatchAnswer {
  /** One result per check, in the order sent. */
  readonly results: readonly (BatchItem)[];
  /** Quote it when you contact support. */
  readonly request_id: string;
}


export interface BatchItem {
  /** 200 with a decision, or the status of the problem. */
  readonly status: number;
  /** The decision, as for a single check. */
  readonly decision?: CheckAnswer | null;
  /** Why there is no decision. */
  readonly problem?: Problem | null;
}


export interface CheckAnswer {
  /** Whether the operation may go ahead. The only field to decide by. */
  readonly allowed: boolean;
  /** Sum of all points, at most 100. */
  readonly risk_score: number;
  /** ok, or the code of the most important reason. */
  readonly reason: string;
  /** Every reason, with its points and how to fix it. */
  readonly reasons: readonly (Contribution)[];
  /** The decision in your decision log. */
  readonly decision_id: string;
  /** Quote it when you contact support. */
  readonly request_id: string;
  /** The version of your policies that decided. */
  readonly policy_version: number;
  /** The risk score at which the policy blocks. */
  readonly max_risk_score: number;
  /** live or test, as for the key. */
  readonly environment: string;
  /** UTC, to the millisecond. */
  readonly decided_at: string;
  /** With include=shadow: what rules without effect would have added. */
  readonly shadow?: readonly (ShadowFinding)[];
  /** With include=fixes: what would make a blocked operation pass. */
  readonly would_pass?: Fixes;
  /** What was derived from the model catalogue. Only if your policies use it. */
  readonly derivation?: Derivation;
}


export interface CheckRequest {
  /** The model to call. */
  readonly model: string;
  /** What the model is used for. */
  readonly operation: string;
  /** Typed facts, such as contains_personal_data or gen_ai.usage.input_tokens. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  /** A pseudonym of the data subject; stored as a keyed hash only. */
  readonly subject?: string | null;
}


export interface Contradiction {
  /** The fact. */
  readonly fact: string;
  /** What the caller stated. */
  readonly stated: boolean | string;
  /** What is known of the model. */
  readonly known: boolean | string;
}


export interface Contribution {
  /** Stable code of the reason. */
  readonly code: string;
  /** The policy or rule it comes from. */
  readonly policy: string;
  /** Points it added to the risk score. */
  readonly points: number;
  /** Whether it blocks regardless of the score (hard block). */
  readonly blocks: boolean;
  /** What was found, in one sentence. */
  readonly message: string;
  /** What the caller can change. */
  readonly fix: string;
}


export interface DecisionPage {
  /** The decisions, newest first. */
  readonly decisions: readonly (DecisionView)[];
  /** Send it as cursor for the next page; null on the last. */
  readonly next_cursor: string | null;
}


export interface DecisionView {
  /** ID of the decision. */
  readonly decision_id: string;
  /** When it was made, in UTC. */
  readonly decided_at: string;
  /** live or test, as for the key. */
  readonly environment: KeyEnvironment;
  /** The key that asked. */
  readonly key_id: string;
  /** The model, as sent. */
  readonly model: string;
  /** The operation, as sent. */
  readonly operation: string;
  /** The facts, as sent. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Keyed hash of the pseudonym. */
  readonly subject_hash: string | null;
  /** Sum of all points, at most 100. */
  readonly risk_score: number;
  /** Whether the operation was allowed. */
  readonly allowed: boolean;
  /** ok, or the code of the most important reason. */
  readonly reason: string;
  /** Every reason, with its points. */
  readonly reasons: readonly (Contribution)[];
  /** The version of the policies that decided. */
  readonly policy_version: number;
  /** From receiving the request to storing the decision, in microseconds. */
  readonly latency_us: number;
  /** The request that asked. */
  readonly request_id: string;
  /** What rules in shadow would have added, without effect on the decision. */
  readonly shadow: readonly (ShadowFinding)[];
  /** What was derived from the model catalogue; null if the policies did not use it. */
  readonly derivation: Derivation | null;
  /** service, or sdk for one that was made without us and reconciled. */
  readonly decided_by?: string;
  /** What the SDK had decided, by which mode, and when it was reconciled. */
  readonly sdk?: Readonly<Record<string, unknown>> | null;
}


export interface Derivation {
  /** The version of the model catalogue. */
  readonly catalogue_version: string;
  /** The entry of the model; null if it is not known. */
  readonly entry?: string | null;
  /** Whether it is an entry of your own. */
  readonly is_own?: boolean;
  /** The facts that were derived. */
  readonly facts?: Readonly<Record<string, boolean | string>>;
  /** What the caller stated otherwise than it is known. */
  readonly contradictions?: readonly (Contradiction)[];
}


export interface FieldProblem {
  /** The field, such as metadata.department. */
  readonly path: string;
  /** Stable code of the error. */
  readonly code: string;
  /** What to change. */
  readonly detail: string;
  /** The nearest known name, if there is one. */
  readonly suggestion?: string | null;
}


export interface Fix {
  /** The model or facts to send instead. */
  readonly changes: Readonly<Record<string, unknown>>;
  /** The same in words. */
  readonly advice: string;
  /** The risk score after the changes. */
  readonly risk_score: number;
}


export interface Fixes {
  /** Any one of them is enough. */
  readonly fixes: readonly (Fix)[];
  /** How many combinations were evaluated. */
  readonly evaluations: number;
  /** Whether all combinations were evaluated, or enough were found. */
  readonly is_exhaustive: boolean;
}


export type KeyEnvironment = "live" | "test";


export interface KeyFacts {
  /** active: the key can be used. */
  readonly status: string;
  /** ID of the key. */
  readonly id: string;
  /** Name of the key. */
  readonly name: string;
  /** live or test. */
  readonly environment: string;
  /** What the key may do. */
  readonly scopes: readonly (string)[];
  /** When it expires; null for never. */
  readonly expires_at: string | null;
}


export interface KeyProbe {
  /** ok: the key works. Its own status is key.status. */
  readonly status: string;
  /** The key that was sent. */
  readonly key: KeyFacts;
  /** The organization it belongs to. */
  readonly organization: OrganizationFacts;
  /** The version of the policies in force. */
  readonly policy_version: number | null;
  /** What is left of the rate limit. */
  readonly rate_limit: LimitState;
  /** Quote it when you contact support. */
  readonly request_id: string;
}


export interface LimitState {
  /** Which limit is closer: key, or organization (all its keys together). */
  readonly scope: string;
  /** Requests allowed per window. */
  readonly limit: number;
  /** Requests left in the window. */
  readonly remaining: number;
  /** Length of the window in seconds. */
  readonly window_s: number;
  /** Seconds until the next request is possible. */
  readonly reset_s: number;
  /** Where requests are counted: redis, or memory. */
  readonly backend: string;
}


export interface OrganizationFacts {
  /** Short name of the organization. */
  readonly slug: string;
  /** Name of the organization. */
  readonly name: string;
  /** sandbox until approved, then live. */
  readonly status: string;
}


export interface Problem {
  /** URL of the page about this problem. */
  readonly type: string;
  /** The problem in one line. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** Stable code to handle in software. */
  readonly code: string;
  /** What to do next. */
  readonly detail: string;
  /** Quote it when you contact support. */
  readonly request_id: string;
  /** What is wrong with each field, without its value. */
  readonly errors?: readonly (FieldProblem)[];
}


export interface ShadowFinding {
  /** Code of the rule. */
  readonly code: string;
  /** Points it would have added to the risk score. */
  readonly points: number;
  /** Whether it would have been a hard block. */
  readonly blocks: boolean;
  /** Whether the operation was allowed and this rule alone would have blocked it. */
  readonly would_block: boolean;
}
