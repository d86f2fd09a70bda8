"""Reading the board, confirming, signing and deciding. Needs the system's scope."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.formats import first_of
from core.ids import new_uuid
from core.members import User
from core.scope import needs_system_scope
from portal.console.launch.items import BOARDS, ROUTINES, Item, Lead, Period, every_item
from portal.console.launch.models import LaunchConfirmation, LaunchDecision, LaunchResult, LaunchSignature
from portal.console.launch.verdicts import Verdict

LAUNCH = "launch"
FRESH_FOR = timedelta(hours=1)
"""So old may what the checks found be when GO is decided."""
CONFIRMED_FOR = timedelta(days=30)
SIGNED_FOR = timedelta(days=7)
MOST_NAMED = 5


class NotReady(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_ready", "The launch board is not ready"
    advice = "Every item must be green and checked within the last hour, and all four leads must have signed."


class Line(msgspec.Struct, frozen=True):
    """An item as it stands. `by` is the person who confirmed it."""

    item: Item
    is_green: bool
    seen: str
    to_do: str
    at: datetime | None
    by: str | None = None


class Signature(msgspec.Struct, frozen=True):
    lead: Lead
    name: str | None
    signed_at: datetime | None

    @property
    def is_given(self) -> bool:
        return self.name is not None


@needs_system_scope
def record(verdicts: dict[str, Verdict], *, now: datetime) -> None:
    """What the checks found, over what they found before."""
    for code, verdict in verdicts.items():
        found = {
            "is_green": verdict.is_green,
            "seen": verdict.seen,
            "to_do": verdict.to_do,
            "checked_at": now,
        }
        statement = insert(LaunchResult).values(check_code=code, **found)
        db.session.execute(statement.on_conflict_do_update(index_elements=["check_code"], set_=found))


@needs_system_scope
def checked_since(since: datetime) -> int:
    """How many checks have run since then."""
    query = select(func.count()).select_from(LaunchResult)
    return db.session.scalar(query.where(LaunchResult.checked_at >= since)) or 0


def board(*, now: datetime) -> dict[str, list[Line]]:
    """Every item of both boards, by board."""
    return {name.value: lines_of(items, period=LAUNCH, now=now) for name, items in BOARDS.items()}


def routine(period: Period, *, now: datetime) -> list[Line]:
    return lines_of(ROUTINES[period], period=name_of(period, now), now=now)


def name_of(period: Period, now: datetime) -> str:
    """Such as 2026-11-22, 2026-W47 or 2026-11, in UTC."""
    if period is Period.DAY:
        return f"{now:%Y-%m-%d}"
    return f"{now:%G-W%V}" if period is Period.WEEK else f"{now:%Y-%m}"


@needs_system_scope
def lines_of(items: tuple[Item, ...], *, period: str, now: datetime) -> list[Line]:
    results = {row.check_code: row for row in db.session.scalars(select(LaunchResult))}
    rows = db.session.execute(
        select(LaunchConfirmation, User.name)
        .join(User, User.id == LaunchConfirmation.user_id)
        .where(LaunchConfirmation.period == period)
    )
    confirmed = {row[0].item_code: (row[0], row[1]) for row in rows}
    return [
        _confirmed_line(item, confirmed.get(item.code), now=now)
        if item.is_for_a_person
        else _checked_line(item, results.get(item.check))
        for item in items
    ]


@needs_system_scope
def confirm(item_code: str, *, period: str, words: str, by: Actor, now: datetime) -> None:
    """A person stands for an item. Raises NotFound for one that the system looks at itself."""
    item = every_item().get(item_code)
    if item is None or not item.is_for_a_person or by.id is None:
        raise NotFound("Item not found, or it is not one that a person confirms.")
    values = {"user_id": by.id, "words": words, "confirmed_at": now}
    statement = insert(LaunchConfirmation).values(item_code=item_code, period=period, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["item_code", "period"], set_=values))
    audit.write(None, "launch.confirmed", by=by, now=now, subject_id=item_code, after={"period": period})


@needs_system_scope
def take_back(item_code: str, *, period: str, by: Actor, now: datetime) -> None:
    db.session.execute(
        delete(LaunchConfirmation).where(LaunchConfirmation.item_code == item_code, LaunchConfirmation.period == period)
    )
    audit.write(None, "launch.taken_back", by=by, now=now, subject_id=item_code, after={"period": period})


@needs_system_scope
def signatures(*, now: datetime) -> list[Signature]:
    rows = db.session.execute(
        select(LaunchSignature, User.name)
        .join(User, User.id == LaunchSignature.user_id)
        .where(LaunchSignature.signed_at > now - SIGNED_FOR)
    )
    given = {row[0].lead: (row[1], row[0].signed_at) for row in rows}
    return [Signature(lead, *given.get(lead.value, (None, None))) for lead in Lead]


@needs_system_scope
def sign(lead: Lead, *, by: Actor, now: datetime) -> None:
    """For the next decision. Raises NotReady while an item is red."""
    _refuse_red(now)
    values = {"user_id": by.id, "signed_at": now}
    statement = insert(LaunchSignature).values(lead=lead.value, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["lead"], set_=values))
    audit.write(None, "launch.signed", by=by, now=now, subject_id=lead.value)


@needs_system_scope
def decide(*, is_go: bool, reason: str, by: Actor, now: datetime) -> None:
    """GO needs every item green and looked at lately, and four signatures; NO GO can always be decided. NotReady."""
    if is_go:
        _refuse_red(now)
        missing = [one.lead.value for one in signatures(now=now) if not one.is_given]
        if missing:
            raise NotReady(f"These leads have not signed: {', '.join(missing)}.")
    db.session.add(
        LaunchDecision(id=new_uuid(), is_go=is_go, reason=reason, decided_by=by.id, decided_at=now, seen=_all_seen(now))
    )
    db.session.execute(delete(LaunchSignature))
    audit.write(None, "launch.decided", by=by, now=now, after={"go": is_go, "reason": reason})


@needs_system_scope
def decisions() -> list[tuple[LaunchDecision, str]]:
    """With the name of whoever decided; the newest first."""
    query = select(LaunchDecision, User.name).join(User, User.id == LaunchDecision.decided_by)
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(LaunchDecision.id.desc()).limit(20))]


def _refuse_red(now: datetime) -> None:
    lines = [line for some in board(now=now).values() for line in some]
    faults = [line.item.code for line in lines if not line.is_green]
    if faults:
        raise NotReady(
            f"Neither GO nor a signature is possible while items are not green: {first_of(faults, MOST_NAMED)}."
        )
    if any(line.at is None or now - line.at > FRESH_FOR for line in lines if not line.item.is_for_a_person):
        raise NotReady("The check results are over an hour old. Run the checks again first.")


def _all_seen(now: datetime) -> dict[str, Any]:
    return {
        line.item.code: {"green": line.is_green, "seen": line.seen, "by": line.by}
        for some in board(now=now).values()
        for line in some
    }


def _checked_line(item: Item, result: LaunchResult | None) -> Line:
    if result is None:
        return Line(item, is_green=False, seen="Not checked yet.", to_do="Run the checks.", at=None)
    return Line(item, is_green=result.is_green, seen=result.seen, to_do=result.to_do, at=result.checked_at)


def _confirmed_line(item: Item, found: tuple[LaunchConfirmation, str] | None, *, now: datetime) -> Line:
    if found is None:
        return Line(item, is_green=False, seen="Nobody has confirmed it.", to_do=item.ask, at=None)
    row, name = found
    if now - row.confirmed_at > CONFIRMED_FOR:
        return Line(
            item, is_green=False, seen=f"{row.words} (too long ago)", to_do=item.ask, at=row.confirmed_at, by=name
        )
    return Line(item, is_green=True, seen=row.words, to_do="", at=row.confirmed_at, by=name)
