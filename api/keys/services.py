"""Making, rotating and revoking keys."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from api.keys import lookup
from api.keys.lookup import find, shown_id
from api.keys.models import ApiKey
from api.keys.scopes import DEFAULT_SCOPES, Scope
from api.keys.token import KeyEnvironment, Token, issue_token
from billing import entitlements
from core import audit, names
from core.accounts import Organization, OrganizationStatus
from core.audit import Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest
from core.ids import new_uuid
from core.network import plain_network

DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
LONGEST_LIFE = timedelta(days=3653)


class KeyNameTaken(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_name_taken", "An active API key already has this name"
    advice = "Choose another name, or rotate the existing key."


class KeyAlreadyRotated(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_already_rotated", "This API key has already been rotated"
    advice = (
        "Rotate its replacement instead. At most two keys, the old one and the new one, can be active at the same time."
    )


class RotationUnfinished(AppError):
    status, code, title = (
        HTTPStatus.CONFLICT,
        "rotation_unfinished",
        "The previous API key is still active",
    )
    advice = "Revoke the previous key or wait until it expires, then rotate again."


class KeyNotInUse(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_not_in_use", "This API key is revoked or expired"
    advice = "Create a new key instead."


class NotRotated(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_rotated", "This API key was not rotated"
    advice = "Only a key that was rotated has a rotation to complete. Revoke this key instead."


class LiveKeysNotYet(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "live_keys_not_yet", "Live API keys require approval"
    advice = "Create a test key instead. The Get started page in the portal shows the remaining steps."


class KeyLimitReached(AppError):
    status, code, title = HTTPStatus.CONFLICT, "key_limit_reached", "This organization has reached its API key limit"
    advice = "Revoke a key you no longer need, or upgrade the plan."


class OrganizationInactive(AppError):
    status, code, title = (
        HTTPStatus.FORBIDDEN,
        "organization_inactive",
        "This organization can't create API keys right now",
    )
    advice = "It is suspended or closing. See the organization page for the reason and your options."


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
    token: Token | None = None,
) -> IssuedKey:
    """`token` only where the secret is derived from another; else it is random.

    Raises KeyNameTaken, LiveKeysNotYet, OrganizationInactive, or InvalidRequest naming each field at fault.
    """
    name = names.clean(name)
    _require_active(organization_id, environment, now=now)
    most = entitlements.access_for(organization_id, now=now).limits.keys
    if most is not None and lookup.count_in_use(organization_id, now=now) >= most:
        raise KeyLimitReached(f"Your plan includes {most:,} active keys. {KeyLimitReached.advice}")
    networks = _parse_networks(allowed_networks)
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        detail = "Enter a time in the future, at most ten years from now."
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
        token=token,
    )
    audit.write(organization_id, "api_key.created", by=by, now=now, subject_id=shown_id(key.key), after=_facts(key.key))
    return key


def rotate(organization_id: UUID, key_id: UUID, *, overlap: timedelta, by: Actor, now: datetime) -> IssuedKey:
    """A successor with the same name, scopes and limits; the old key dies after `overlap`, at most seven days.

    The old key never lives longer than it would have, and both share one rate limit.
    """
    old = find(organization_id, key_id, for_update=True)
    _require_active(organization_id, KeyEnvironment(old.environment), now=now)
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
        subject_id=shown_id(old),
        before={"expires_at": old_expiry.isoformat() if old_expiry else None},
        after={"expires_at": old.expires_at.isoformat(), "successor": shown_id(issued.key)},
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
            subject_id=shown_id(key),
            after={"reason": reason},
        )
    return key


def revoke_all(organization_id: UUID, *, reason: str, by: Actor, now: datetime) -> None:
    """Ends every key of an organization that still stands."""
    active = select(ApiKey.id).where(ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None))
    for key_id in db.session.scalars(active).all():
        revoke(organization_id, key_id, reason=reason, by=by, now=now)


def delete_all(organization_id: UUID) -> None:
    """Deletes the keys of an organization whose account is closed, with who made them and where they were used."""
    db.session.execute(delete(ApiKey).where(ApiKey.organization_id == organization_id))


def finish_rotation(organization_id: UUID, key_id: UUID, *, by: Actor, now: datetime) -> ApiKey:
    """Ends the overlap now: the old key stops, its successor goes on. Raises NotRotated."""
    if find(organization_id, key_id).successor_id is None:
        raise NotRotated
    return revoke(organization_id, key_id, reason="rotation finished", by=by, now=now)


def _new_key(key: ApiKey, *, by: Actor, now: datetime, token: Token | None = None) -> IssuedKey:
    token = token or issue_token(KeyEnvironment(key.environment))
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


def _require_active(organization_id: UUID, environment: KeyEnvironment, *, now: datetime) -> None:
    """The row is held, so that a suspension or an approval comes before or after, never between."""
    status, legal_due_at = db.session.execute(
        select(Organization.status, Organization.legal_due_at)
        .where(Organization.id == organization_id)
        .with_for_update(read=True)
    ).one()
    if status not in {OrganizationStatus.SANDBOX, OrganizationStatus.LIVE}:
        raise OrganizationInactive
    if environment is KeyEnvironment.LIVE and status == OrganizationStatus.SANDBOX:
        raise LiveKeysNotYet
    if environment is KeyEnvironment.LIVE and legal_due_at is not None and legal_due_at <= now:
        raise OrganizationInactive("Accept the new version of the Terms and the DPA first. Live keys then work again.")


def _predecessor_in_use(key: ApiKey, *, now: datetime) -> bool:
    predecessor = db.session.scalar(
        select(ApiKey).where(ApiKey.organization_id == key.organization_id, ApiKey.successor_id == key.id)
    )
    return predecessor is not None and predecessor.is_live_at(now)


def _parse_networks(networks: tuple[str, ...]) -> list[str]:
    parsed, problems = [], []
    for index, network in enumerate(networks):
        try:
            parsed.append(str(plain_network(network)))
        except ValueError:
            advice = "Enter an IP address or a network, such as 203.0.113.7 or 203.0.113.0/24."
            problems.append(FieldProblem(f"allowed_networks[{index}]", "not_a_network", advice))
    if problems:
        raise InvalidRequest(errors=tuple(problems))
    return parsed


def _facts(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "environment": key.environment,
        "scopes": key.scopes,
        "rate_limit": key.rate_limit,
        "allowed_networks": key.allowed_networks,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }
