"""Every list, page and read of the API on the base of `python -m tests.bench.fill`: time, size, statements.

`python -m tests.bench.pages [part of a name …]` asks those whose names hold one of the parts, or all. Each is asked
once to warm up and five times in earnest; the median counts. Ends with 1 if something is beyond its bound.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from statistics import median
from typing import Any
from uuid import UUID

import msgspec
from flask import Flask
from sqlalchemy import Connection, event, select

from api.keys.models import ApiKey
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment, issue_token
from core import accounts
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.members import Membership, Role, User
from portal.customer.people import second_factor
from tests.bench.base.addresses import API, CONSOLE, PORTAL, Known
from tests.bench.base.database import LARGE, opened
from tests.bench.tables import table
from tests.people import Browser

MOST_MS, MOST_BYTES = 300, 200_000
ROUNDS = 5
_EXPECTED = frozenset({HTTPStatus.OK, HTTPStatus.SEE_OTHER, HTTPStatus.NOT_FOUND})
_HEADINGS = ("what", "ms", "kB", "statements", "over")


class Seen(msgspec.Struct, frozen=True):
    name: str
    status: int
    took_ms: float
    size_bytes: int
    statements: int

    @property
    def over(self) -> str:
        found = [
            *(["time"] if self.took_ms > MOST_MS else []),
            *(["size"] if self.size_bytes > MOST_BYTES else []),
            *([f"status {self.status}"] if self.status not in _EXPECTED else []),
        ]
        return ", ".join(found)


def main() -> int:
    with opened() as (_, app):
        seen = [measure(name, ask) for name, ask in _asked(app) if _is_wanted(name)]
    rows = [
        [one.name, f"{one.took_ms:,.0f}", f"{one.size_bytes / 1000:,.0f}", str(one.statements), one.over]
        for one in sorted(seen, key=lambda one: -one.took_ms)
    ]
    print(table(_HEADINGS, rows))
    return 1 if any(one.over for one in seen) else 0


def measure(name: str, ask: Callable[[], Any]) -> Seen:
    ask()
    times, answer, statements = [], None, 0
    for _ in range(ROUNDS):
        began_s = monotonic_s()
        answer, statements = _counted(ask)
        times.append((monotonic_s() - began_s) * 1000)
    assert answer is not None
    seen = Seen(name, answer.status_code, median(times), len(answer.get_data()), statements)
    print(f"{seen.took_ms:8,.0f} ms {seen.size_bytes:11,} B {seen.statements:4} {name} {seen.over}", flush=True)
    return seen


def _counted(ask: Callable[[], Any]) -> tuple[Any, int]:
    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(Connection, "before_cursor_execute", note)
    try:
        return ask(), count
    finally:
        event.remove(Connection, "before_cursor_execute", note)


def _asked(app: Flask) -> Iterator[tuple[str, Callable[[], Any]]]:
    with app.app_context(), acting_as_system(), transaction():
        organization_id = accounts.find_by_slug(LARGE).id
        known, secret = _known(organization_id), _key_that_reads(organization_id)
        owner_id, operator_id = _owner(organization_id), _operator(app)
    owner, operator, client = Browser(app.test_client()), Browser(app.test_client()), app.test_client()
    owner.sign_in(owner_id, organization_id=organization_id)
    operator.sign_in(operator_id)
    authorization = {"Authorization": f"Bearer {secret}"}
    for names, ask in (
        (PORTAL, owner.get),
        (CONSOLE, operator.get),
        (API, partial(client.get, headers=authorization)),
    ):
        for name in names:
            yield name, partial(ask, known.fill(name))


def _known(organization_id: UUID) -> Known:
    key = db.session.scalars(select(ApiKey).where(ApiKey.organization_id == organization_id).limit(1)).one()
    return Known.of(organization_id, key.id)


def _key_that_reads(organization_id: UUID) -> str:
    """May do all there is today; its secret is made anew, since nobody knows the old one."""
    token = issue_token(KeyEnvironment.LIVE)
    is_own = ApiKey.organization_id == organization_id, ApiKey.environment == KeyEnvironment.LIVE.value
    key = db.session.scalars(select(ApiKey).where(*is_own, ApiKey.revoked_at.is_(None)).limit(1)).one()
    key.scopes = sorted(Scope)
    key.token_hash, key.start, key.last_four = token.digest, token.start, token.last_four
    return token.secret


def _owner(organization_id: UUID) -> UUID:
    own = Membership.organization_id == organization_id, Membership.role == Role.OWNER.value
    return db.session.scalars(select(Membership.user_id).where(*own).limit(1)).one()


def _operator(app: Flask) -> UUID:
    user = db.session.scalar(select(User).where(User.is_operator).limit(1))
    if user is None:
        user = db.session.scalars(select(User).order_by(User.id.desc()).limit(1)).one()
        user.is_operator = True
        second_factor.make_guarded(user, secret_key=app.config["SECRET_KEY"], now=utc_now())
    return user.id


def _is_wanted(name: str) -> bool:
    return len(sys.argv) == 1 or any(part in name for part in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
