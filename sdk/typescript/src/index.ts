/** Asks AI Governance before your software calls an AI model. Sends metadata, never content. */

export type * from "./api.js";
export { type BatchResult, type CheckOptions, Client } from "./client.js";
export type { ClientOptions } from "./configuration.js";
export { type DecidedBy, Decision } from "./decision.js";
export { AiGovernanceError, ApiError, BlockedError, ConfigurationError, UnavailableError } from "./errors.js";
export type { LocalDecisions } from "./local/local-decisions.js";
export type { Span, Tracer } from "./tracing.js";
export type { OnUnavailable } from "./unavailable.js";
export * from "./problems.js";
export { VERSION } from "./version.js";
