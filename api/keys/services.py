"""Making, rotating and revoking keys."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from ipaddress import ip_network
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError

from api.keys.models import ApiKey
from api.keys.scopes import DEFAULT_SCOPES, Scope
from api.keys.token import KeyEnvironment, issue_token
from core import audit
from core.audit import Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound
from core.ids import new_uuid, public_id

DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
LONGEST_LIFE = timedelta(days=3653)


class KeyNameTaken(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_name_taken", "A key in use already has this name"
    advice = "Choose another name, or rotate the key that has it."


class KeyAlreadyRotated(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_already_rotated", "This key was rotated before"
    advice = "Rotate its successor instead; at most two keys of one line may be in use."


class RotationUnfinished(AppError):
    status, code, title = (
        HTTPStatus.CONFLICT,
        "rotation_unfinished",
        "The key before this one is still in use",
    )
    advice = "Revoke the old key, or wait until its overlap ends, and rotate again."


class KeyNotInUse(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_not_in_use", "This key is revoked or expired"
    advice = "Create a new key instead."


class IssuedKey(msgspec.Struct, frozen=True):
    """A key as it was made, with the secret that is shown this once."""

    key: ApiKey
    secret: str


def issue(
    organization_id: UUID,
    *,
    name: str,
    environment: KeyEnvironment,
    by: Actor,
    now: datetime,
    scopes: tuple[Scope, ...] = DEFAULT_SCOPES,
    rate_limit: int | None = None,
    allowed_networks: tuple[str, ...] = (),
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Raises KeyNameTaken, or InvalidRequest naming each field at fault."""
    networks = _parse_networks(allowed_networks)
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        detail = "Give a time in the future, at most ten years away."
        raise InvalidRequest(errors=(FieldProblem("expires_at", "out_of_range", detail),))
    identifier = new_uuid()
    key = _new_key(
        ApiKey(
            id=identifier,
            lineage_id=identifier,
            organization_id=organization_id,
            name=name,
            environment=environment.value,
            scopes=sorted({scope.value for scope in scopes}),
            rate_limit=rate_limit,
            allowed_networks=networks,
            expires_at=expires_at,
        ),
        by=by,
        now=now,
    )
    audit.write(organization_id, "api_key.created", by=by, now=now, subject_id=_shown(key.key), after=_facts(key.key))
    return key


def rotate(organization_id: UUID, key_id: UUID, *, overlap: timedelta, by: Actor, now: datetime) -> IssuedKey:
    """A successor with the same name, scopes and limits; the old key dies after `overlap`, at most seven days.

    The old key never lives longer than it would have, and both share one rate limit.
    """
    old = find(organization_id, key_id, for_update=True)
    if old.successor_id is not None:
        raise KeyAlreadyRotated
    if not old.is_live_at(now):
        raise KeyNotInUse
    if _predecessor_in_use(old, now=now):
        raise RotationUnfinished
    successor_id = new_uuid()
    old_expiry = old.expires_at
    death = now + max(timedelta(0), min(overlap, LONGEST_OVERLAP))
    old.successor_id = successor_id
    old.expires_at = min(death, old_expiry) if old_expiry else death
    db.session.flush()
    issued = _new_key(
        ApiKey(
            id=successor_id,
            lineage_id=old.lineage_id,
            organization_id=organization_id,
            name=old.name,
            environment=old.environment,
            scopes=list(old.scopes),
            rate_limit=old.rate_limit,
            allowed_networks=list(old.allowed_networks),
            expires_at=old_expiry,
        ),
        by=by,
        now=now,
    )
    audit.write(
        organization_id,
        "api_key.rotated",
        by=by,
        now=now,
        subject_id=_shown(old),
        before={"expires_at": old_expiry.isoformat() if old_expiry else None},
        after={"expires_at": old.expires_at.isoformat(), "successor": _shown(issued.key)},
    )
    return issued


def revoke(organization_id: UUID, key_id: UUID, *, reason: str | None, by: Actor, now: datetime) -> ApiKey:
    """Ends a key for good. Revoking it again changes nothing."""
    key = find(organization_id, key_id, for_update=True)
    if key.revoked_at is None:
        key.revoked_at = now
        key.revoke_reason = reason
        audit.write(
            organization_id,
            "api_key.revoked",
            by=by,
            now=now,
            subject_id=_shown(key),
            after={"reason": reason},
        )
    return key


def find(organization_id: UUID, key_id: UUID, *, for_update: bool = False) -> ApiKey:
    """Raises NotFound, also for a key of another organization."""
    query = select(ApiKey).where(ApiKey.organization_id == organization_id, ApiKey.id == key_id)
    if for_update:  # what was read before the lock may be old by now
        query = query.with_for_update().execution_options(populate_existing=True)
    key = db.session.scalar(query)
    if key is None:
        raise NotFound("There is no such key. List the keys with GET /v1/keys.")
    return key


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


_NOTE_USES = text("""
    WITH used AS (SELECT * FROM unnest(:ids, :addresses, :times) AS used (id, address, at)),
    free AS (
        SELECT api_key.id FROM api_key JOIN used USING (id)
        WHERE last_used_at IS NULL OR last_used_at < at
        FOR UPDATE OF api_key SKIP LOCKED
    )
    UPDATE api_key SET last_used_at = at, last_used_address = address
    FROM used JOIN free USING (id) WHERE api_key.id = used.id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("addresses", type_=ARRAY(Text)),
    bindparam("times", type_=ARRAY(DateTime(timezone=True))),
)


def note_uses(uses: Mapping[UUID, tuple[str, datetime]]) -> None:
    """Remembers the address and time of each key's last use. A key locked by somebody else is passed over this once."""
    addresses, times = zip(*uses.values(), strict=True)
    db.session.execute(_NOTE_USES, {"ids": list(uses), "addresses": list(addresses), "times": list(times)})


def _new_key(key: ApiKey, *, by: Actor, now: datetime) -> IssuedKey:
    token = issue_token(KeyEnvironment(key.environment))
    key.token_hash = token.digest
    key.start = token.start
    key.last_four = token.last_four
    key.created_at = now
    key.created_by_kind = by.kind.value
    key.created_by_id = by.id
    try:
        with db.session.begin_nested():
            db.session.add(key)
    except IntegrityError as error:
        if "uq_api_key_current_name" not in str(error.orig):
            raise
        raise KeyNameTaken from error
    return IssuedKey(key=key, secret=token.secret)


def _predecessor_in_use(key: ApiKey, *, now: datetime) -> bool:
    predecessor = db.session.scalar(
        select(ApiKey).where(ApiKey.organization_id == key.organization_id, ApiKey.successor_id == key.id)
    )
    return predecessor is not None and predecessor.is_live_at(now)


def _parse_networks(networks: tuple[str, ...]) -> list[str]:
    parsed, problems = [], []
    for index, network in enumerate(networks):
        try:
            parsed.append(str(ip_network(network, strict=False)))
        except ValueError:
            advice = "Give an address or a network, such as 203.0.113.7 or 203.0.113.0/24."
            problems.append(FieldProblem(f"allowed_networks[{index}]", "not_a_network", advice))
    if problems:
        raise InvalidRequest(errors=tuple(problems))
    return parsed


def _shown(key: ApiKey) -> str:
    return public_id("key", key.id)


def _facts(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "environment": key.environment,
        "scopes": key.scopes,
        "rate_limit": key.rate_limit,
        "allowed_networks": key.allowed_networks,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }
