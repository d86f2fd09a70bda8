"""What can go wrong, one class for each code of a problem. https://…/docs/errors describes each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ai_governance.decisions import Decision


class AiGovernanceError(Exception):
    """Base of everything that this package raises."""


class ConfigurationError(AiGovernanceError):
    """The client was given something it can't work with, or lacks something it needs."""


class BlockedError(AiGovernanceError):
    """The operation must not go ahead. `decision` says why, and what would change it."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        # Not super(): a subclass is also an error of the framework that it is raised in.
        Exception.__init__(self, f"blocked: {decision.reason}" + "".join(f" {fix}" for fix in decision.fixes[:1]))


class UnavailableError(AiGovernanceError):
    """The service could not be reached in time, and the call was not a check."""


class ApiError(AiGovernanceError):
    """The service refused a request. Subclasses have a `code` each; an unknown code is an ApiError itself."""

    code: ClassVar[str] = ""

    def __init__(self, status: int, problem: Mapping[str, Any], *, retry_after_s: float | None = None) -> None:
        self.status = status
        self.problem_code: str = str(problem.get("code") or self.code)
        self.detail: str = str(problem.get("detail") or problem.get("title") or "")
        self.request_id: str | None = problem.get("request_id")
        self.fields: tuple[Mapping[str, Any], ...] = tuple(problem.get("errors") or ())
        self.retry_after_s = retry_after_s
        named = "; ".join(f"{field.get('path')}: {field.get('detail')}" for field in self.fields)
        super().__init__(f"{status} {self.problem_code}: {self.detail}" + (f" ({named})" if named else ""))


class AuthenticationError(ApiError):
    """The API key opens nothing."""


class PermissionDeniedError(ApiError):
    """The API key works, but not for this."""


class PaymentRequiredError(ApiError):
    code = "payment_required"


class InvalidRequestError(ApiError):
    code = "invalid_request"


class ConflictError(ApiError):
    """The record is not in the state that this needs."""


class RateLimitedError(ApiError):
    code = "rate_limited"


class ServerError(ApiError):
    """The service could not answer."""


class MissingApiKeyError(AuthenticationError):
    code = "missing_api_key"


class MalformedApiKeyError(AuthenticationError):
    code = "malformed_api_key"


class UnknownApiKeyError(AuthenticationError):
    code = "unknown_api_key"


class RevokedApiKeyError(AuthenticationError):
    code = "revoked_api_key"


class ExpiredApiKeyError(AuthenticationError):
    code = "expired_api_key"


class AddressNotAllowedError(PermissionDeniedError):
    code = "address_not_allowed"


class KeysMayNotPublishError(PermissionDeniedError):
    code = "keys_may_not_publish"


class BroaderThanOwnError(PermissionDeniedError):
    code = "broader_than_own"


class LiveKeysNotYetError(PermissionDeniedError):
    code = "live_keys_not_yet"


class MissingScopeError(PermissionDeniedError):
    code = "missing_scope"


class NotApprovedError(PermissionDeniedError):
    code = "not_approved"


class OrganizationClosingError(PermissionDeniedError):
    code = "organization_closing"


class OrganizationInactiveError(PermissionDeniedError):
    code = "organization_inactive"


class OrganizationSuspendedError(PermissionDeniedError):
    code = "organization_suspended"


class ScopeNotHeldError(PermissionDeniedError):
    code = "scope_not_held"


class TermsLapsedError(PermissionDeniedError):
    code = "terms_lapsed"


class WrongEnvironmentError(PermissionDeniedError):
    code = "wrong_environment"


class QuotaReachedError(PaymentRequiredError):
    code = "quota_reached"


class ContentRefusedError(InvalidRequestError):
    code = "content_refused"


class CutShortError(InvalidRequestError):
    code = "cut_short"


class EvaluationNotJsonError(InvalidRequestError):
    code = "evaluation_not_json"


class InvalidEvaluationError(InvalidRequestError):
    code = "invalid_evaluation"


class IdempotencyKeyReusedError(InvalidRequestError):
    code = "idempotency_key_reused"


class InvalidJsonError(InvalidRequestError):
    code = "invalid_json"


class NotFoundError(InvalidRequestError):
    code = "not_found"


class MethodNotAllowedError(InvalidRequestError):
    code = "method_not_allowed"


class TooLargeError(InvalidRequestError):
    code = "too_large"


class TooManyNamesError(InvalidRequestError):
    code = "too_many_names"


class UnsupportedEncodingError(InvalidRequestError):
    code = "unsupported_encoding"


class UnsupportedMediaTypeError(InvalidRequestError):
    code = "unsupported_media_type"


class KeyAlreadyRotatedError(ConflictError):
    code = "key_already_rotated"


class KeyLimitReachedError(ConflictError):
    code = "key_limit_reached"


class KeyNameTakenError(ConflictError):
    code = "key_name_taken"


class KeyNotInUseError(ConflictError):
    code = "key_not_in_use"


class DraftChangedError(ConflictError):
    code = "draft_changed"


class DraftClosedError(ConflictError):
    code = "draft_closed"


class DraftOutdatedError(ConflictError):
    code = "draft_outdated"


class DraftUnchangedError(ConflictError):
    code = "draft_unchanged"


class ImpactUnderWayError(ConflictError):
    code = "impact_under_way"


class TooManyDraftsError(ConflictError):
    code = "too_many_drafts"


class ApprovalMissingError(ConflictError):
    code = "approval_missing"


class ReviewNeedsImpactError(ConflictError):
    code = "review_needs_impact"


class ReviewRequestedError(ConflictError):
    code = "review_requested"


class ReviewRequiredError(ConflictError):
    code = "review_required"


class PolicyTestsFailedError(ConflictError):
    code = "policy_tests_failed"


class PolicyChangedError(ConflictError):
    code = "policy_changed"


class RotationUnfinishedError(ConflictError):
    code = "rotation_unfinished"


class OrganizationBusyError(RateLimitedError):
    code = "organization_busy"


class OrganizationRateLimitedError(RateLimitedError):
    code = "organization_rate_limited"


class BusyError(ServerError):
    code = "busy"


class DecisionNotRecordedError(ServerError):
    code = "decision_not_recorded"


class InternalError(ServerError):
    code = "internal_error"


class RequestTimeoutError(ServerError):
    code = "request_timeout"


class ServiceUnavailableError(ServerError):
    code = "service_unavailable"


def _all_subclasses(kind: type[ApiError]) -> list[type[ApiError]]:
    direct = kind.__subclasses__()
    return direct + [one for below in direct for one in _all_subclasses(below)]


BY_CODE: Mapping[str, type[ApiError]] = {kind.code: kind for kind in _all_subclasses(ApiError) if kind.code}
_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    409: ConflictError,
    429: RateLimitedError,
}
SERVER_ERRORS_FROM = 500


def error_of(status: int, problem: Any, *, retry_after_s: float | None = None) -> ApiError:
    """The error for an answer that is not a success, of the class that its code has."""
    given: Mapping[str, Any] = problem if isinstance(problem, dict) else {}
    general = _BY_STATUS.get(status, ServerError if status >= SERVER_ERRORS_FROM else ApiError)
    kind = BY_CODE.get(str(given.get("code", "")), general)
    return kind(status, given, retry_after_s=retry_after_s)
