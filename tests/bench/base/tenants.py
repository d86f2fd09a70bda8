"""Organizations, members and keys of the base, made by the code that makes them elsewhere where there are few."""

import secrets
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import insert

from api.keys.models import ApiKey
from api.keys.scopes import DEFAULT_SCOPES, Scope
from api.keys.token import KeyEnvironment, token_of
from api.policies import services as policies
from billing import entitlements
from billing.plans import PlanCode
from core import accounts
from core.audit import COMMAND_LINE, ActorKind
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.members import Membership, Role, User
from core.passwords import hash_password
from tests.bench import question
from tests.bench.base.database import LARGE
from tests.bench.base.sizes import Sizes

_AT_ONCE = 500
_KEYS_OF_OTHERS = 4


def add_organizations(app: Flask, sizes: Sizes, *, now: datetime) -> list[UUID]:
    """The large one first."""
    made: list[UUID] = []
    for start in range(0, sizes.organizations, _AT_ONCE):
        with app.app_context(), acting_as_system(), transaction():
            for number in range(start, min(start + _AT_ONCE, sizes.organizations)):
                slug = LARGE if number == 0 else f"filled-{number}"
                name = "Large Works" if number == 0 else f"Filled Works {number}"
                made.append(accounts.create(slug=slug, name=name, by=COMMAND_LINE, now=now).id)
            policies.seed(now=now)
    with app.app_context(), acting_as_system(), transaction():
        reason = "as many keys as are measured"
        entitlements.grant(made[0], PlanCode.ENTERPRISE, until=None, reason=reason, by=COMMAND_LINE, now=now)
        policies.change(made[0], "rules", question.our_rules(10), by=COMMAND_LINE, now=now)
    return made


def add_members(app: Flask, organization_id: UUID, count: int, *, now: datetime) -> list[UUID]:
    hashed, ids = hash_password(secrets.token_urlsafe()), [new_uuid() for _ in range(count)]
    users = [
        {
            "id": user_id,
            "email": f"member-{number}@filled.example",
            "name": f"Member {number}",
            "password_hash": hashed,
            "is_operator": False,
            "created_at": now,
            "email_confirmed_at": now,
        }
        for number, user_id in enumerate(ids)
    ]
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(insert(User), users)
        db.session.execute(
            insert(Membership),
            [
                {"organization_id": organization_id, "user_id": user_id, "role": _role(number), "created_at": now}
                for number, user_id in enumerate(ids)
            ],
        )
    return ids


def add_keys(
    app: Flask, organization_ids: list[UUID], members: list[UUID], sizes: Sizes, *, now: datetime
) -> dict[UUID, list[tuple[UUID, str]]]:
    """Keys of each organization that asks, with their environments. One in ten is revoked."""
    random = Random(7)
    found: dict[UUID, list[tuple[UUID, str]]] = {}
    rows = []
    asking = organization_ids[: sizes.others + 1]
    own = sizes.keys - _KEYS_OF_OTHERS * (len(asking) - 1)
    for organization_id in asking:
        count = own if organization_id == organization_ids[0] else _KEYS_OF_OTHERS
        by = random.choice(members) if organization_id == organization_ids[0] else None
        made = [_key(organization_id, number, random, by=by, now=now) for number in range(count)]
        found[organization_id] = [(row["id"], row["environment"]) for row in made]
        rows += made
    with app.app_context(), acting_as_system(), transaction():
        for start in range(0, len(rows), _AT_ONCE):
            db.session.execute(insert(ApiKey), rows[start : start + _AT_ONCE])
    return found


def _key(organization_id: UUID, number: int, random: Random, *, by: UUID | None, now: datetime) -> dict[str, Any]:
    created_at = now - timedelta(days=random.randrange(1, 200))
    identifier = new_uuid(at_ms=int(created_at.timestamp() * 1000))
    environment = KeyEnvironment.TEST if number % 5 == 4 else KeyEnvironment.LIVE
    token = token_of(environment, random.getrandbits(200))
    is_revoked = number % 10 == 9
    return {
        "id": identifier,
        "lineage_id": identifier,
        "organization_id": organization_id,
        "name": f"service-{number}",
        "environment": environment.value,
        "token_hash": token.digest,
        "start": token.start,
        "last_four": token.last_four,
        "scopes": sorted(scope.value for scope in (Scope if number == 0 else DEFAULT_SCOPES)),
        "allowed_networks": [],
        "created_at": created_at,
        "created_by_kind": (ActorKind.MEMBER if by else ActorKind.COMMAND_LINE).value,
        "created_by_id": by,
        "revoked_at": now if is_revoked else None,
        "last_used_at": now - timedelta(days=random.randrange(60)),
    }


def _role(number: int) -> str:
    if number < 2:
        return Role.OWNER.value
    return list(Role)[1 + number % 4].value
