"""Keys as the API shows and takes them. The secret is in one answer only: that to the request that made it."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from api.keys.models import ApiKey
from api.keys.scopes import DEFAULT_SCOPES, Scope
from api.keys.services import DEFAULT_OVERLAP, LONGEST_OVERLAP, IssuedKey
from api.keys.token import KeyEnvironment
from core.ids import public_id
from core.patterns import ONE_LINE

HOUR = timedelta(hours=1)
AwareTime = Annotated[datetime, Meta(tz=True)]


class KeyCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=255, pattern=ONE_LINE)]
    environment: KeyEnvironment = KeyEnvironment.TEST
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=len(Scope))] = DEFAULT_SCOPES
    rate_limit: Annotated[int | None, Meta(description="Requests per minute; null for the plan limit.")] = None
    allowed_networks: Annotated[
        tuple[Annotated[str, Meta(max_length=64)], ...],
        Meta(max_length=50, description="IP addresses or networks; empty to allow any."),
    ] = ()
    expires_at: AwareTime | None = None


class KeyRotate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    overlap_hours: Annotated[
        float, Meta(ge=0, le=LONGEST_OVERLAP / HOUR, description="How long the old key stays active, in hours.")
    ] = DEFAULT_OVERLAP / HOUR


class KeyRevoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=300, pattern=ONE_LINE)] | None = None


class KeyView(msgspec.Struct, frozen=True):
    """A key without its secret: `start` and `last_four` are enough to recognise it."""

    id: str
    name: str
    environment: KeyEnvironment
    start: str
    last_four: str
    scopes: tuple[str, ...]
    rate_limit: int | None
    allowed_networks: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    successor_id: str | None
    last_used_at: datetime | None
    last_used_address: str | None


class KeyIssued(msgspec.Struct, frozen=True):
    """A new key. `secret` is shown this once and stored nowhere."""

    secret: str
    key: KeyView


class KeyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    environment: KeyEnvironment | None = None
    cursor: Annotated[str, Meta(description="next_cursor of the previous page.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class KeyPage(msgspec.Struct, frozen=True):
    keys: tuple[KeyView, ...]
    next_cursor: str | None


def view_of(key: ApiKey) -> KeyView:
    return KeyView(
        id=public_id("key", key.id),
        name=key.name,
        environment=KeyEnvironment(key.environment),
        start=key.start,
        last_four=key.last_four,
        scopes=tuple(key.scopes),
        rate_limit=key.rate_limit,
        allowed_networks=tuple(key.allowed_networks),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        successor_id=public_id("key", key.successor_id) if key.successor_id else None,
        last_used_at=key.last_used_at,
        last_used_address=key.last_used_address,
    )


def issued_view(issued: IssuedKey) -> KeyIssued:
    return KeyIssued(secret=issued.secret, key=view_of(issued.key))
