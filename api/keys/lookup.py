"""Finding keys: one, a page of them, or those that something should be done about."""

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, func, not_, or_, select

from api.keys.models import ApiKey
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from core.accounts import Organization, OrganizationStatus
from core.audit import AuditEvent
from core.db import db
from core.errors import NotFound
from core.ids import parse_public_id, public_id
from core.paging import Page, page_of
from core.rows import locking
from core.scope import needs_system_scope

NOT_FOUND = "API key not found. It may have been deleted."

_AT_ONCE = 100


def find(organization_id: UUID, key_id: UUID, *, for_update: bool = False) -> ApiKey:
    """Raises NotFound, also for a key of another organization."""
    query = select(ApiKey).where(ApiKey.organization_id == organization_id, ApiKey.id == key_id)
    if for_update:  # what was read before the lock may be old by now
        query = locking(query)
    key = db.session.scalar(query)
    if key is None:
        raise NotFound(NOT_FOUND)
    return key


def find_or_none(organization_id: UUID, key_id: UUID) -> ApiKey | None:
    """None for one that was deleted, too."""
    return db.session.scalar(select(ApiKey).where(ApiKey.organization_id == organization_id, ApiKey.id == key_id))


@needs_system_scope
def find_by_digest(digest: bytes) -> ApiKey | None:
    """The key with this SHA-256, held until the transaction ends."""
    return db.session.scalar(select(ApiKey).where(ApiKey.token_hash == digest).with_for_update())


def has_key(organization_id: UUID, environment: KeyEnvironment) -> bool:
    """Whether a key of this environment was ever made."""
    query = select(ApiKey.id).where(ApiKey.organization_id == organization_id, ApiKey.environment == environment.value)
    return db.session.scalar(query.limit(1)) is not None


@needs_system_scope
def with_key(environment: KeyEnvironment) -> set[UUID]:
    """Organizations for which a key of this environment was ever made."""
    return set(
        db.session.scalars(select(ApiKey.organization_id).where(ApiKey.environment == environment.value).distinct())
    )


def list_page(
    organization_id: UUID, *, environment: KeyEnvironment | None, after: UUID | None, size: int
) -> list[ApiKey]:
    """Keys, newest first, that come after the id `after`."""
    query = select(ApiKey).where(ApiKey.organization_id == organization_id)
    if environment is not None:
        query = query.where(ApiKey.environment == environment.value)
    if after is not None:
        query = query.where(ApiKey.id < after)
    return list(db.session.scalars(query.order_by(ApiKey.id.desc()).limit(size)))


def find_page(
    organization_id: UUID, *, is_in_use: bool, text: str, after: UUID | None, size: int, now: datetime
) -> Page[ApiKey]:
    """Keys that open something, or those that do no more; with this text, if any. The newest first."""
    in_use = and_(*_in_use_at(now))
    query = select(ApiKey).where(ApiKey.organization_id == organization_id, in_use if is_in_use else not_(in_use))
    if text:
        query = query.where(_has_text(text))
    if after is not None:
        query = query.where(ApiKey.id < after)
    found = db.session.scalars(query.order_by(ApiKey.id.desc()).limit(size + 1)).all()
    return page_of(found, size, id_of=lambda key: key.id)


def has_ended(organization_id: UUID, *, now: datetime) -> bool:
    """Whether a key was revoked or has expired."""
    query = select(ApiKey.id).where(ApiKey.organization_id == organization_id, not_(and_(*_in_use_at(now))))
    return db.session.scalar(query.limit(1)) is not None


def matching(organization_id: UUID, text: str, *, most: int) -> list[ApiKey]:
    """Keys with this text in their name, in what is shown of their secret, or with this id; the newest first."""
    query = select(ApiKey).where(ApiKey.organization_id == organization_id, _has_text(text))
    return list(db.session.scalars(query.order_by(ApiKey.id.desc()).limit(most)))


def _has_text(text: str) -> ColumnElement[bool]:
    return or_(
        ApiKey.name.icontains(text, autoescape=True),
        ApiKey.start.istartswith(text, autoescape=True),
        ApiKey.last_four == text,
        ApiKey.id == parse_public_id("key", text),
    )


def every(organization_id: UUID) -> Iterator[ApiKey]:
    """All keys of an organization, newest first, some in memory at a time."""
    after = None
    while page := list_page(organization_id, environment=None, after=after, size=_AT_ONCE):
        yield from page
        after = page[-1].id


def has_check_only_key(organization_id: UUID) -> bool:
    """Whether a key that stands can do nothing but ask."""
    query = select(ApiKey.id).where(
        ApiKey.organization_id == organization_id,
        ApiKey.revoked_at.is_(None),
        ApiKey.scopes == [Scope.CHECKS_WRITE.value],
    )
    return db.session.scalar(query.limit(1)) is not None


def count_in_use(organization_id: UUID, *, now: datetime) -> int:
    """Keys of an organization that open something."""
    return int(
        db.session.scalar(select(func.count()).where(ApiKey.organization_id == organization_id, *_in_use_at(now))) or 0
    )


def names_of(organization_id: UUID, key_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of some keys of an organization."""
    query = select(ApiKey.id, ApiKey.name).where(ApiKey.organization_id == organization_id, ApiKey.id.in_(key_ids))
    return {row.id: row.name for row in db.session.execute(query)}


@needs_system_scope
def list_unrotated(*, made_before: datetime, now: datetime, unless_action: str) -> list[ApiKey]:
    """Live keys in use of live organizations that are older, and about which the audit log has no such action."""
    return _untold(ApiKey.created_at < made_before, now=now, unless_action=unless_action)


def list_ending(*, before: datetime, now: datetime, unless_action: str) -> list[ApiKey]:
    """As `list_unrotated`, of keys that expire by then and have no successor."""
    return _untold(ApiKey.expires_at < before, now=now, unless_action=unless_action)


def _untold(which: ColumnElement[bool], *, now: datetime, unless_action: str) -> list[ApiKey]:
    told = select(AuditEvent.id).where(
        AuditEvent.organization_id == ApiKey.organization_id,
        AuditEvent.action == unless_action,
        AuditEvent.subject_id == func.concat("key_", func.replace(cast(ApiKey.id, Text), "-", "")),
    )
    is_live = Organization.status == OrganizationStatus.LIVE.value
    return list(
        db.session.scalars(
            select(ApiKey)
            .join(Organization, Organization.id == ApiKey.organization_id)
            .where(
                ApiKey.environment == KeyEnvironment.LIVE.value,
                is_live,  # others have nothing to lose by it
                which,
                ApiKey.successor_id.is_(None),
                *_in_use_at(now),
                ~told.exists(),
            )
        )
    )


def _in_use_at(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """As `ApiKey.is_live_at`, for the database."""
    return ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)


def shown_id(key: ApiKey) -> str:
    """The key's id as people and programs see it."""
    return public_id("key", key.id)
