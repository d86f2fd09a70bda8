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
  /** Whether the operation may go ahead. Base your decision on this field only. */
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
  /** The policy version that decided. */
  readonly policy_version: number;
  /** The risk score at which the policy blocks. */
  readonly max_risk_score: number;
  /** live or test, the same as the key. */
  readonly environment: string;
  /** UTC, to the millisecond. */
  readonly decided_at: string;
  /** With include=shadow: what shadow rules would have added. */
  readonly shadow?: readonly (ShadowFinding)[];
  /** With include=fixes, for single checks only: what would make a blocked operation pass. */
  readonly would_pass?: Fixes;
  /** What was derived from the model catalogue. Only if your policies use it. */
  readonly derivation?: Derivation;
  /** What a client does with this operation while it can't reach the service. Only if your policies declare it. */
  readonly on_unreachable?: Unreachable;
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
  /** The value in the catalogue. */
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
  /** How to fix it. */
  readonly fix: string;
  /** Only if a fact is missing or a condition could not be evaluated: which fail mode of the rule decided, on_missing or on_error. */
  readonly fail_mode?: FailMode;
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
  /** live or test, the same as the key. */
  readonly environment: KeyEnvironment;
  /** The key that sent the check. */
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
  /** The ID of the request. */
  readonly request_id: string;
  /** What shadow rules would have added. They have no effect on the decision. */
  readonly shadow: readonly (ShadowFinding)[];
  /** What was derived from the model catalogue; null if the policies did not use it. */
  readonly derivation: Derivation | null;
  /** service, or sdk if an SDK decided, offline or locally, and reported it later. */
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
  /** Facts the caller sent that contradict the catalogue. */
  readonly contradictions?: readonly (Contradiction)[];
}


export interface DraftList {
  /** The open drafts, the last changed first. */
  readonly drafts: readonly (DraftView)[];
}


export type DraftStatus = "discarded" | "open" | "published";


export interface DraftView {
  /** ID of the draft. */
  readonly id: string;
  /** A short name for the change. */
  readonly name: string;
  /** The note for the reviewer. */
  readonly note: string;
  /** open, published or discarded. */
  readonly status: DraftStatus;
  /** Counts its changes. */
  readonly revision: number;
  /** The version it is based on. */
  readonly base_version: number;
  /** The version it became. */
  readonly published_version: number | null;
  /** All its values. */
  readonly policies: Readonly<Record<string, unknown>>;
  /** When it was last changed, in UTC. */
  readonly changed_at: string;
}


export type FailMode = "on_error" | "on_missing";


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
  /** The change as a sentence. */
  readonly advice: string;
  /** The risk score after the changes. */
  readonly risk_score: number;
}


export interface Fixes {
  /** Any one of them is enough. */
  readonly fixes: readonly (Fix)[];
  /** How many combinations were evaluated. */
  readonly evaluations: number;
  /** True if all combinations were evaluated; false if the search stopped early. */
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


export interface KeyPage {
  /** The keys, newest first. */
  readonly keys: readonly (KeyView)[];
  /** Send it as cursor for the next page; null on the last. */
  readonly next_cursor: string | null;
}


export interface KeyProbe {
  /** ok: the key works. Its own status is key.status. */
  readonly status: string;
  /** The key that was sent. */
  readonly key: KeyFacts;
  /** The organization it belongs to. */
  readonly organization: OrganizationFacts;
  /** The active policy version. */
  readonly policy_version: number | null;
  /** What is left of the rate limit. */
  readonly rate_limit: LimitState;
  /** Quote it when you contact support. */
  readonly request_id: string;
}


export interface KeyView {
  /** ID of the key. */
  readonly id: string;
  /** What the key is for. */
  readonly name: string;
  /** live or test. */
  readonly environment: KeyEnvironment;
  /** First characters of the secret. */
  readonly start: string;
  /** Last four characters of the secret. */
  readonly last_four: string;
  /** What the key may do. */
  readonly scopes: readonly (string)[];
  /** Requests per minute; null for the plan limit. */
  readonly rate_limit: number | null;
  /** Networks it may be used from; empty for any. */
  readonly allowed_networks: readonly (string)[];
  /** When it was created. */
  readonly created_at: string;
  /** When it expires; null for never. */
  readonly expires_at: string | null;
  /** When it was revoked, if it was. */
  readonly revoked_at: string | null;
  /** The key that replaced it by rotation. */
  readonly successor_id: string | null;
  /** When it was last used. */
  readonly last_used_at: string | null;
  /** IP address of its last use. */
  readonly last_used_address: string | null;
}


export interface LimitState {
  /** Which limit you will reach first: key, or organization (all its keys together). */
  readonly scope: string;
  /** Requests allowed per window. */
  readonly limit: number;
  /** Requests left in the window. */
  readonly remaining: number;
  /** Length of the window in seconds. */
  readonly window_s: number;
  /** Seconds until the oldest request leaves the window. */
  readonly reset_s: number;
  /** Where requests are counted: redis, or memory. */
  readonly backend: string;
}


export interface OrganizationFacts {
  /** The organization ID, as on the Organization page. */
  readonly slug: string;
  /** Name of the organization. */
  readonly name: string;
  /** sandbox until approved, then live. */
  readonly status: string;
}


export interface PolicySet {
  /** The active version. */
  readonly version: number;
  /** All policies. */
  readonly policies: readonly (PolicySetting)[];
}


export interface PolicySetting {
  /** Name of the policy. */
  readonly key: string;
  /** Its title in the portal. */
  readonly title: string;
  /** What it does. */
  readonly description: string;
  /** The active value. */
  readonly value: unknown;
  /** The default value. */
  readonly default: unknown;
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
  /** True if the operation was allowed, and this rule would have blocked it. */
  readonly would_block: boolean;
}


export type Unreachable = "allow_and_report" | "block";
