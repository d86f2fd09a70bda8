"""Who is calling: from the Authorization header to a caller with an organization, or to the reason why not."""

from datetime import datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import msgspec

from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment, is_well_formed
from api.snapshots.records import KeySnapshot, OrganizationSnapshot
from core.accounts import BlockReason, OrganizationStatus
from core.audit import Actor, ActorKind
from core.errors import AppError
from core.network import plain_address
from core.tokens import digest_of

_CHALLENGE = (("WWW-Authenticate", 'Bearer realm="AI Governance API"'),)


class Unauthenticated(AppError):
    """Base of all refusals of a key that opens nothing."""

    status, code, title = HTTPStatus.UNAUTHORIZED, "unauthenticated", "A valid API key is required"
    advice = "Send Authorization: Bearer followed by an API key."

    def __init__(self) -> None:
        super().__init__(headers=_CHALLENGE)


class MissingKey(Unauthenticated):
    code, title = "missing_api_key", "No API key was sent"
    advice = "The Authorization header is missing or invalid. Send Authorization: Bearer followed by your API key."


class MalformedKey(Unauthenticated):
    code, title = "malformed_api_key", "This is not a valid API key"
    advice = (
        "The API key is invalid: a character is missing, wrong or extra. Copy the whole key, which starts with"
        " aig_live_ or aig_test_."
    )


class UnknownKey(Unauthenticated):
    code, title = "unknown_api_key", "This API key does not exist"
    advice = "The API key is invalid. Check which key is configured, or create a new one."


class RevokedKey(Unauthenticated):
    code, title = "revoked_api_key", "This API key was revoked"
    advice = "Configure the key that replaced it, or create a new one."


class ExpiredKey(Unauthenticated):
    code, title = "expired_api_key", "This API key has expired"
    advice = "Configure the key that replaced it, or create a new one."


class Forbidden(AppError):
    """Base of all refusals of a key that works, but not for this."""

    status, code, title = HTTPStatus.FORBIDDEN, "forbidden", "This API key is not allowed to do this"
    advice = "Use another key."


class MissingScope(Forbidden):
    code, title = "missing_scope", "This API key lacks a scope"
    advice = "Use a key with the scope that this endpoint requires."


class WrongEnvironment(Forbidden):
    code, title = "wrong_environment", "This API key belongs to the other environment"
    advice = "Use a key for the environment of this request. Changing policies requires a live key."


class AddressNotAllowed(Forbidden):
    code, title = "address_not_allowed", "This API key can't be used from this IP address"
    advice = "Call from one of the key's allowed networks, or create a key that allows this address."


class OrganizationSuspended(Forbidden):
    code, title = "organization_suspended", "This organization is suspended"
    advice = "Contact support. No data was lost."


class OrganizationClosing(Forbidden):
    code, title = "organization_closing", "This organization is closing"
    advice = "An owner can cancel the closure in the portal until the organization is closed."


class NotApproved(Forbidden):
    code, title = "not_approved", "This organization is not approved for live keys yet"
    advice = "Use a test key. The Get started page in the portal shows the remaining steps."


class TermsLapsed(Forbidden):
    code, title = "terms_lapsed", "A new version of the Terms or the DPA was not accepted in time"
    advice = (
        "Ask an owner or admin to accept it under Documents in the portal. Live keys then work again within a second."
    )


class Unpaid(AppError):
    """Base of all refusals of a live key for a reason of money. Test keys go on working."""

    status, code, title = HTTPStatus.PAYMENT_REQUIRED, "payment_required", "Payment is required"
    advice = "See the plan page in the portal for open invoices. Live keys work again as soon as the invoices are paid."


class QuotaReached(Unpaid):
    code, title = "quota_reached", "This month's live checks are used up"
    advice = "Wait until your usage resets (see the plan page in the portal), or upgrade there."


class Caller(msgspec.Struct, frozen=True):
    """A key that works, its organization as it stands now, and where the call comes from."""

    key: KeySnapshot
    organization: OrganizationSnapshot
    address: str
    request_id: str

    def need(self, scope: Scope) -> None:
        """Raises MissingScope."""
        if scope.value not in self.key.scopes:
            raise MissingScope(f"This key lacks the scope {scope}. Use a key that has it.")

    def need_live_key(self, why: str) -> None:
        """Raises WrongEnvironment, which says `why`."""
        if self.key.environment != KeyEnvironment.LIVE:
            raise WrongEnvironment(why)

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.API_KEY, id=self.key.id, address=self.address, request_id=self.request_id)


class Keyring(Protocol):
    """Where keys and organizations are looked up."""

    def knows(self, token_hash: bytes) -> bool:
        """Whether there was ever such a key, as far as memory has it: its form need not be looked at."""
        ...

    def key(self, token_hash: bytes) -> KeySnapshot | None: ...

    def organization(self, organization_id: UUID) -> OrganizationSnapshot: ...


def authenticate(authorization: str, *, address: str, request_id: str, snapshots: Keyring, now: datetime) -> Caller:
    """Raises a subclass of Unauthenticated or Forbidden, or ServiceUnavailable."""
    secret = secret_of(authorization)
    if not secret:
        raise MissingKey
    digest = digest_of(secret)
    if not snapshots.knows(digest) and not is_well_formed(secret):
        raise MalformedKey
    key, organization = _open(digest, address=address, snapshots=snapshots, now=now)
    organization = organization.for_environment(key.environment)
    return Caller(key=key, organization=organization, address=address, request_id=request_id)


def secret_of(authorization: str) -> str:
    """What a header of the scheme Bearer carries, or nothing."""
    scheme, _, secret = authorization.strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def why_refused(digest: bytes, *, snapshots: Keyring, now: datetime) -> AppError | None:
    """Why the key with this SHA-256 would be refused from anywhere, or None if it opens something."""
    try:
        _open(digest, address=None, snapshots=snapshots, now=now)
    except AppError as refusal:
        return refusal
    return None


def _open(
    digest: bytes, *, address: str | None, snapshots: Keyring, now: datetime
) -> tuple[KeySnapshot, OrganizationSnapshot]:
    key = snapshots.key(digest)
    if key is None:
        raise UnknownKey
    if key.revoked_at is not None:
        raise RevokedKey
    if key.expires_at is not None and key.expires_at <= now:
        raise ExpiredKey
    if key.networks and address is not None and not _is_within(address, key):
        raise AddressNotAllowed
    organization = snapshots.organization(key.organization_id)
    _require_active(organization, key, now=now)
    return key, organization


def _require_active(organization: OrganizationSnapshot, key: KeySnapshot, *, now: datetime) -> None:
    if (
        organization.status == OrganizationStatus.LIVE
        and organization.legal_due_at is None
        and organization.blocked_from is None
    ):
        return
    if organization.status == OrganizationStatus.SUSPENDED:
        raise OrganizationSuspended
    if organization.status in {OrganizationStatus.CLOSING, OrganizationStatus.CLOSED}:
        raise OrganizationClosing
    if key.environment != KeyEnvironment.LIVE:
        return
    if organization.status == OrganizationStatus.SANDBOX:
        raise NotApproved
    if organization.legal_due_at is not None and organization.legal_due_at <= now:
        raise TermsLapsed
    _need_money(organization, now=now)


def _need_money(organization: OrganizationSnapshot, *, now: datetime) -> None:
    if organization.blocked_from is None or now < organization.blocked_from:
        return
    if organization.blocked_until is not None and organization.blocked_until <= now:
        return
    if organization.blocked_because == BlockReason.QUOTA:
        raise QuotaReached
    raise Unpaid


def _is_within(address: str, key: KeySnapshot) -> bool:
    try:
        caller = plain_address(address)
    except ValueError:
        return False
    return any(caller in network for network in key.networks)
