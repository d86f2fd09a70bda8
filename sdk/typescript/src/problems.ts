/** A class for each code of a problem. Made from the API's description by `python -m deploy.sdk_types`; not to be changed by hand. */

import { ApiError } from "./errors.js";

/** This API key can't be used from this IP address. */
export class AddressNotAllowedError extends ApiError {
  static readonly code = "address_not_allowed";
}

/** The current state of this draft is not approved. */
export class ApprovalMissingError extends ApiError {
  static readonly code = "approval_missing";
}

/** An API key cannot create or rotate a key with a later expiry, more networks or a higher limit than its own. */
export class BroaderThanOwnError extends ApiError {
  static readonly code = "broader_than_own";
}

/** Too many requests are waiting. */
export class BusyError extends ApiError {
  static readonly code = "busy";
}

/** Content is not accepted. */
export class ContentRefusedError extends ApiError {
  static readonly code = "content_refused";
}

/** The body ended too early. */
export class CutShortError extends ApiError {
  static readonly code = "cut_short";
}

/** The decision could not be recorded. */
export class DecisionNotRecordedError extends ApiError {
  static readonly code = "decision_not_recorded";
}

/** Someone else changed this draft. */
export class DraftChangedError extends ApiError {
  static readonly code = "draft_changed";
}

/** This draft is no longer open. */
export class DraftClosedError extends ApiError {
  static readonly code = "draft_closed";
}

/** Other policies were published in the meantime. */
export class DraftOutdatedError extends ApiError {
  static readonly code = "draft_outdated";
}

/** This draft changes nothing. */
export class DraftUnchangedError extends ApiError {
  static readonly code = "draft_unchanged";
}

/** The evaluation request must be JSON. */
export class EvaluationNotJsonError extends ApiError {
  static readonly code = "evaluation_not_json";
}

/** This API key has expired. */
export class ExpiredApiKeyError extends ApiError {
  static readonly code = "expired_api_key";
}

/** This idempotency key was used for another request. */
export class IdempotencyKeyReusedError extends ApiError {
  static readonly code = "idempotency_key_reused";
}

/** The impact of this draft is already being analyzed. */
export class ImpactUnderWayError extends ApiError {
  static readonly code = "impact_under_way";
}

/** Something went wrong on our side. */
export class InternalError extends ApiError {
  static readonly code = "internal_error";
}

/** The evaluation request is not valid. */
export class InvalidEvaluationError extends ApiError {
  static readonly code = "invalid_evaluation";
}

/** The body is not valid JSON. */
export class InvalidJsonError extends ApiError {
  static readonly code = "invalid_json";
}

/** The request is not valid. */
export class InvalidRequestError extends ApiError {
  static readonly code = "invalid_request";
}

/** This API key has already been rotated. */
export class KeyAlreadyRotatedError extends ApiError {
  static readonly code = "key_already_rotated";
}

/** This organization has reached its API key limit. */
export class KeyLimitReachedError extends ApiError {
  static readonly code = "key_limit_reached";
}

/** An active API key already has this name. */
export class KeyNameTakenError extends ApiError {
  static readonly code = "key_name_taken";
}

/** This API key is revoked or expired. */
export class KeyNotInUseError extends ApiError {
  static readonly code = "key_not_in_use";
}

/** This organization does not let API keys publish policies. */
export class KeysMayNotPublishError extends ApiError {
  static readonly code = "keys_may_not_publish";
}

/** Live API keys require approval. */
export class LiveKeysNotYetError extends ApiError {
  static readonly code = "live_keys_not_yet";
}

/** This is not a valid API key. */
export class MalformedApiKeyError extends ApiError {
  static readonly code = "malformed_api_key";
}

/** No API key was sent. */
export class MissingApiKeyError extends ApiError {
  static readonly code = "missing_api_key";
}

/** This API key lacks a scope. */
export class MissingScopeError extends ApiError {
  static readonly code = "missing_scope";
}

/** This organization is not approved for live keys yet. */
export class NotApprovedError extends ApiError {
  static readonly code = "not_approved";
}

/** Not found. */
export class NotFoundError extends ApiError {
  static readonly code = "not_found";
}

/** The organization has too many concurrent requests. */
export class OrganizationBusyError extends ApiError {
  static readonly code = "organization_busy";
}

/** This organization is closing. */
export class OrganizationClosingError extends ApiError {
  static readonly code = "organization_closing";
}

/** This organization can't create API keys right now. */
export class OrganizationInactiveError extends ApiError {
  static readonly code = "organization_inactive";
}

/** The organization has reached its rate limit. */
export class OrganizationRateLimitedError extends ApiError {
  static readonly code = "organization_rate_limited";
}

/** This organization is suspended. */
export class OrganizationSuspendedError extends ApiError {
  static readonly code = "organization_suspended";
}

/** Payment is required. */
export class PaymentRequiredError extends ApiError {
  static readonly code = "payment_required";
}

/** Someone else changed the policies. */
export class PolicyChangedError extends ApiError {
  static readonly code = "policy_changed";
}

/** Tests of these policies fail. */
export class PolicyTestsFailedError extends ApiError {
  static readonly code = "policy_tests_failed";
}

/** This month's live checks are used up. */
export class QuotaReachedError extends ApiError {
  static readonly code = "quota_reached";
}

/** This API key has reached its rate limit. */
export class RateLimitedError extends ApiError {
  static readonly code = "rate_limited";
}

/** The body did not arrive in time. */
export class RequestTimeoutError extends ApiError {
  static readonly code = "request_timeout";
}

/** The impact of this draft has not been analyzed. */
export class ReviewNeedsImpactError extends ApiError {
  static readonly code = "review_needs_impact";
}

/** A review of this draft has already been requested. */
export class ReviewRequestedError extends ApiError {
  static readonly code = "review_requested";
}

/** Policy changes in this organization require a review. */
export class ReviewRequiredError extends ApiError {
  static readonly code = "review_required";
}

/** This API key was revoked. */
export class RevokedApiKeyError extends ApiError {
  static readonly code = "revoked_api_key";
}

/** The previous API key is still active. */
export class RotationUnfinishedError extends ApiError {
  static readonly code = "rotation_unfinished";
}

/** An API key cannot grant scopes that it does not have. */
export class ScopeNotHeldError extends ApiError {
  static readonly code = "scope_not_held";
}

/** The service is temporarily unavailable. */
export class ServiceUnavailableError extends ApiError {
  static readonly code = "service_unavailable";
}

/** A new version of the Terms or the DPA was not accepted in time. */
export class TermsLapsedError extends ApiError {
  static readonly code = "terms_lapsed";
}

/** The request is too large. */
export class TooLargeError extends ApiError {
  static readonly code = "too_large";
}

/** There are too many open drafts. */
export class TooManyDraftsError extends ApiError {
  static readonly code = "too_many_drafts";
}

/** Too many fields in the request body. */
export class TooManyNamesError extends ApiError {
  static readonly code = "too_many_names";
}

/** This API key does not exist. */
export class UnknownApiKeyError extends ApiError {
  static readonly code = "unknown_api_key";
}

/** Compressed request bodies are not accepted. */
export class UnsupportedEncodingError extends ApiError {
  static readonly code = "unsupported_encoding";
}

/** The body must be JSON. */
export class UnsupportedMediaTypeError extends ApiError {
  static readonly code = "unsupported_media_type";
}

/** This API key belongs to the other environment. */
export class WrongEnvironmentError extends ApiError {
  static readonly code = "wrong_environment";
}

export const BY_CODE = new Map<string, typeof ApiError>([
  ["address_not_allowed", AddressNotAllowedError],
  ["approval_missing", ApprovalMissingError],
  ["broader_than_own", BroaderThanOwnError],
  ["busy", BusyError],
  ["content_refused", ContentRefusedError],
  ["cut_short", CutShortError],
  ["decision_not_recorded", DecisionNotRecordedError],
  ["draft_changed", DraftChangedError],
  ["draft_closed", DraftClosedError],
  ["draft_outdated", DraftOutdatedError],
  ["draft_unchanged", DraftUnchangedError],
  ["evaluation_not_json", EvaluationNotJsonError],
  ["expired_api_key", ExpiredApiKeyError],
  ["idempotency_key_reused", IdempotencyKeyReusedError],
  ["impact_under_way", ImpactUnderWayError],
  ["internal_error", InternalError],
  ["invalid_evaluation", InvalidEvaluationError],
  ["invalid_json", InvalidJsonError],
  ["invalid_request", InvalidRequestError],
  ["key_already_rotated", KeyAlreadyRotatedError],
  ["key_limit_reached", KeyLimitReachedError],
  ["key_name_taken", KeyNameTakenError],
  ["key_not_in_use", KeyNotInUseError],
  ["keys_may_not_publish", KeysMayNotPublishError],
  ["live_keys_not_yet", LiveKeysNotYetError],
  ["malformed_api_key", MalformedApiKeyError],
  ["missing_api_key", MissingApiKeyError],
  ["missing_scope", MissingScopeError],
  ["not_approved", NotApprovedError],
  ["not_found", NotFoundError],
  ["organization_busy", OrganizationBusyError],
  ["organization_closing", OrganizationClosingError],
  ["organization_inactive", OrganizationInactiveError],
  ["organization_rate_limited", OrganizationRateLimitedError],
  ["organization_suspended", OrganizationSuspendedError],
  ["payment_required", PaymentRequiredError],
  ["policy_changed", PolicyChangedError],
  ["policy_tests_failed", PolicyTestsFailedError],
  ["quota_reached", QuotaReachedError],
  ["rate_limited", RateLimitedError],
  ["request_timeout", RequestTimeoutError],
  ["review_needs_impact", ReviewNeedsImpactError],
  ["review_requested", ReviewRequestedError],
  ["review_required", ReviewRequiredError],
  ["revoked_api_key", RevokedApiKeyError],
  ["rotation_unfinished", RotationUnfinishedError],
  ["scope_not_held", ScopeNotHeldError],
  ["service_unavailable", ServiceUnavailableError],
  ["terms_lapsed", TermsLapsedError],
  ["too_large", TooLargeError],
  ["too_many_drafts", TooManyDraftsError],
  ["too_many_names", TooManyNamesError],
  ["unknown_api_key", UnknownApiKeyError],
  ["unsupported_encoding", UnsupportedEncodingError],
  ["unsupported_media_type", UnsupportedMediaTypeError],
  ["wrong_environment", WrongEnvironmentError],
]);
