"""Keys about which something should be done, counted: an organization may have thousands."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select

from api.keys.models import ApiKey
from core.audit import ActorKind
from core.db import db
from core.members import Membership
from portal.customer.keys.overview import IDLE_AFTER, ROTATE_AFTER


class Need(StrEnum):
    """As the hints of `overview`, in their order."""

    MAKER_LEFT = "maker_left"
    OLD = "old"
    IDLE = "idle"


class KeysInNeed(msgspec.Struct, frozen=True):
    counts: dict[Need, int]
    first: Sequence[ApiKey]
    """The newest of them, as many as were asked for."""


def keys_in_need(organization_id: UUID, *, first: int, now: datetime) -> KeysInNeed:
    """Two queries, however many keys there are."""
    needs = _needs(organization_id, now=now)
    active = _active(organization_id, now=now)
    counted = db.session.execute(select(*(func.count().filter(need) for need in needs.values())).where(active)).one()
    query = select(ApiKey).where(active, or_(*needs.values())).order_by(ApiKey.id.desc()).limit(first)
    return KeysInNeed(dict(zip(needs, map(int, counted), strict=True)), db.session.scalars(query).all())


def _active(organization_id: UUID, *, now: datetime) -> ColumnElement[bool]:
    return and_(
        ApiKey.organization_id == organization_id,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        ApiKey.successor_id.is_(None),
    )


def _needs(organization_id: UUID, *, now: datetime) -> dict[Need, ColumnElement[bool]]:
    members = select(Membership.user_id).where(Membership.organization_id == organization_id)
    return {
        Need.MAKER_LEFT: and_(ApiKey.created_by_kind == ActorKind.MEMBER.value, ApiKey.created_by_id.not_in(members)),
        Need.OLD: ApiKey.created_at <= now - ROTATE_AFTER,
        Need.IDLE: func.coalesce(ApiKey.last_used_at, ApiKey.created_at) <= now - IDLE_AFTER,
    }
