"""Who is on call, week by week from Monday 00:00 UTC."""

from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import Actor
from core.db import db
from core.members import User
from core.scope import needs_system_scope
from portal.support.models import OnCallWeek

WEEKS_SHOWN = 8


class Week(msgspec.Struct, frozen=True):
    """`who` is None while nobody is named."""

    monday: date
    who: User | None


def monday_of(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())


@needs_system_scope
def on_call_at(now: datetime) -> User | None:
    return next((week.who for week in weeks(now, most=1)), None)


def weeks(now: datetime, *, most: int = WEEKS_SHOWN) -> list[Week]:
    """This week and those after it."""
    mondays = [monday_of(now) + timedelta(weeks=count) for count in range(most)]
    rows = db.session.execute(
        select(OnCallWeek.monday, User)
        .join(User, User.id == OnCallWeek.user_id)
        .where(OnCallWeek.monday.in_(mondays), User.is_operator, User.disabled_at.is_(None))
    )
    named = {row[0]: row[1] for row in rows}
    return [Week(monday, named.get(monday)) for monday in mondays]


def put_on_call(monday: date, user_id: UUID | None, *, by: Actor, now: datetime) -> None:
    """Names who is called in a week, or nobody."""
    if user_id is None:
        db.session.execute(delete(OnCallWeek).where(OnCallWeek.monday == monday))
    else:
        named = insert(OnCallWeek).values(monday=monday, user_id=user_id)
        db.session.execute(named.on_conflict_do_update(index_elements=["monday"], set_={"user_id": user_id}))
    audit.write(
        None,
        "on_call.named",
        by=by,
        now=now,
        subject_id=monday.isoformat(),
        after={"user_id": str(user_id) if user_id else None},
    )
