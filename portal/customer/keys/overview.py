"""Keys as the page shows them: who made them, whether they were used lately, and what should be done about them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from api.keys import lookup
from api.keys.models import ApiKey
from api.limits.window import limit_of
from api.usage.key_requests import KeyRequests, requests_by_key
from core.accounts import Organization, OrganizationStatus
from core.audit import ActorKind
from core.paging import Page
from portal.customer.organization import services as organizations
from portal.customer.team import members

IDLE_AFTER = timedelta(days=30)
ROTATE_AFTER = timedelta(days=90)
"""Customers rotate their keys every 90 days."""


class KeyLine(msgspec.Struct, frozen=True):
    key: ApiKey
    state: str
    """active | expiring | expired | revoked"""
    made_by: str
    hints: tuple[str, ...]
    requests: KeyRequests
    limit: int
    """Requests per minute that hold for it."""


def lines_page(
    organization_id: UUID, *, is_in_use: bool, now: datetime, text: str = "", after: UUID | None = None, size: int = 50
) -> Page[KeyLine]:
    """Keys in use or ended ones, newest first; five queries, however many there are."""
    page = lookup.find_page(organization_id, is_in_use=is_in_use, text=text, after=after, size=size, now=now)
    around = _around(organization_id, page.rows, now=now)
    return page.of([_line(key, around, now=now) for key in page.rows])


def line_of(key: ApiKey, *, now: datetime) -> KeyLine:
    return _line(key, _around(key.organization_id, [key], now=now), now=now)


def is_due_for_rotation(key: ApiKey, *, now: datetime) -> bool:
    return key.successor_id is None and now - key.created_at >= ROTATE_AFTER


class _Around(msgspec.Struct, frozen=True):
    """What the lines of one organization have in common."""

    names: dict[UUID, str]
    requests: Mapping[UUID, KeyRequests]
    organization: Organization


def _around(organization_id: UUID, keys: Sequence[ApiKey], *, now: datetime) -> _Around:
    makers = {key.created_by_id for key in keys if key.created_by_id}
    return _Around(
        members.names_of(organization_id, makers),
        requests_by_key(organization_id, [key.id for key in keys], now=now),
        organizations.find(organization_id),
    )


def _line(key: ApiKey, around: _Around, *, now: datetime) -> KeyLine:
    names, organization = around.names, around.organization
    state = _state(key, now=now)
    is_by_member = key.created_by_kind == ActorKind.MEMBER
    has_left = is_by_member and key.created_by_id not in names
    made_by = (
        names.get(key.created_by_id, "a former member")
        if is_by_member and key.created_by_id
        else _MAKERS.get(key.created_by_kind, "the system")
    )
    hints = tuple(_hints(key, has_left=has_left, now=now)) if state == "active" else ()
    is_sandbox = organization.status == OrganizationStatus.SANDBOX
    return KeyLine(
        key=key,
        state=state,
        made_by=made_by,
        hints=hints,
        requests=around.requests.get(key.id, KeyRequests()),
        limit=limit_of(key.rate_limit, organization.check_limit, is_sandbox=is_sandbox),
    )


def _hints(key: ApiKey, *, has_left: bool, now: datetime) -> Iterator[str]:
    if has_left:
        yield "The member who created this key has left the organization. Rotate it."
    if is_due_for_rotation(key, now=now):
        yield "This key is older than 90 days. Rotate it."
    if now - (key.last_used_at or key.created_at) >= IDLE_AFTER:
        yield "This key has not been used for 30 days. Revoke it if you no longer need it."


_MAKERS: dict[str, str] = {
    ActorKind.MEMBER: "a former member",
    ActorKind.API_KEY: "an API key",
    ActorKind.OPERATOR: "an AI Governance operator",
    ActorKind.COMMAND_LINE: "an AI Governance operator",
    ActorKind.SYSTEM: "the system",
}


def _state(key: ApiKey, *, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    return "expiring" if key.successor_id is not None else "active"
