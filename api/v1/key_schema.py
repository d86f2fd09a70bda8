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
from core.sample_ids import A_YEAR_LATER, KEY_ID, STORED_AT

HOUR = timedelta(hours=1)
AwareTime = Annotated[datetime, Meta(tz=True)]
ShownTime = Annotated[datetime, Meta(tz=True, examples=[STORED_AT])]


class KeyCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            pattern=ONE_LINE,
            description="What the key is for. Unique among active keys.",
            examples=["Ticket summaries"],
        ),
    ]
    environment: Annotated[
        KeyEnvironment, Meta(description="Must be the environment of the key you send.", examples=["test"])
    ] = KeyEnvironment.TEST
    scopes: Annotated[
        tuple[Scope, ...],
        Meta(
            min_length=1,
            max_length=len(Scope),
            description="What the key may do. Only scopes that the key in the request has.",
            examples=[["checks:write"]],
        ),
    ] = DEFAULT_SCOPES
    rate_limit: Annotated[
        int | None, Meta(description="Requests per minute; null for the plan limit.", examples=[60])
    ] = None
    allowed_networks: Annotated[
        tuple[Annotated[str, Meta(max_length=64)], ...],
        Meta(
            max_length=50,
            description="IP addresses or networks; empty to allow any.",
            examples=[["203.0.113.0/24"]],
        ),
    ] = ()
    expires_at: Annotated[
        AwareTime | None, Meta(description="When the key expires; null for never.", examples=[A_YEAR_LATER])
    ] = None


class KeyRotate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    overlap_hours: Annotated[
        float,
        Meta(
            ge=0,
            le=LONGEST_OVERLAP / HOUR,
            description="How long the old key stays active, in hours.",
            examples=[24],
        ),
    ] = DEFAULT_OVERLAP / HOUR


class KeyRevoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: (
        Annotated[
            str,
            Meta(max_length=300, pattern=ONE_LINE, description="For the audit log.", examples=["leaked in a commit"]),
        ]
        | None
    ) = None


class KeyView(msgspec.Struct, frozen=True):
    """A key without its secret: `start` and `last_four` are enough to recognise it."""

    id: Annotated[str, Meta(description="ID of the key.", examples=[KEY_ID])]
    name: Annotated[str, Meta(description="What the key is for.", examples=["Ticket summaries"])]
    environment: Annotated[KeyEnvironment, Meta(description="live or test.", examples=["test"])]
    start: Annotated[str, Meta(description="First characters of the secret.", examples=["aig_test_4Qm7"])]
    last_four: Annotated[str, Meta(description="Last four characters of the secret.", examples=["x8Kd"])]
    scopes: Annotated[tuple[str, ...], Meta(description="What the key may do.", examples=[["checks:write"]])]
    rate_limit: Annotated[int | None, Meta(description="Requests per minute; null for the plan limit.", examples=[60])]
    allowed_networks: Annotated[
        tuple[str, ...], Meta(description="Networks it may be used from; empty for any.", examples=[["203.0.113.0/24"]])
    ]
    created_at: Annotated[ShownTime, Meta(description="When it was created.")]
    expires_at: Annotated[datetime | None, Meta(description="When it expires; null for never.", examples=[None])]
    revoked_at: Annotated[datetime | None, Meta(description="When it was revoked, if it was.", examples=[None])]
    successor_id: Annotated[str | None, Meta(description="The key that replaced it by rotation.", examples=[None])]
    last_used_at: Annotated[datetime | None, Meta(description="When it was last used.", examples=[STORED_AT])]
    last_used_address: Annotated[str | None, Meta(description="IP address of its last use.", examples=["203.0.113.7"])]


class KeyIssued(msgspec.Struct, frozen=True):
    """A new key. `secret` is shown this once and stored nowhere."""

    secret: Annotated[
        str, Meta(description="The secret. Shown only in this response.", examples=["aig_test_<the secret of the key>"])
    ]
    key: Annotated[KeyView, Meta(description="The key, as the list shows it.")]


class KeyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    environment: Annotated[
        KeyEnvironment | None, Meta(description="Must be the environment of the key you send.", examples=["test"])
    ] = None
    cursor: Annotated[str, Meta(description="next_cursor of the previous page.", examples=[KEY_ID])] | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="Keys per page.", examples=[20])] = 20


class KeyPage(msgspec.Struct, frozen=True):
    keys: Annotated[tuple[KeyView, ...], Meta(description="The keys, newest first.")]
    next_cursor: Annotated[
        str | None, Meta(description="Send it as cursor for the next page; null on the last.", examples=[None])
    ]


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
