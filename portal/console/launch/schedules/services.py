"""Setting dates, naming leads, ticking off, and reminding whoever owns what is due. Needs the system's scope."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.errors import NotFound
from core.ids import new_uuid
from core.mail import send_mail
from core.members import User, emails_of_operators
from core.rows import read_anew
from core.scope import needs_system_scope
from portal.console.launch.items import Lead
from portal.console.launch.models import LaunchConfirmation
from portal.console.launch.schedules.items import PLAN, WATCH, Task, task_of
from portal.console.launch.schedules.models import LaunchLead, LaunchReminder, LaunchStart


class TaskLine(msgspec.Struct, frozen=True):
    """A task with its date. `owner` is who the lead is, `done_by` who ticked it off."""

    task: Task
    due_at: datetime
    owner: str | None
    done_by: str | None = None
    done_at: datetime | None = None
    seen: str = ""

    def state(self, now: datetime) -> tuple[str, str]:
        """Words and their tone."""
        if self.done_at is not None:
            return "done", "good"
        return ("late", "bad") if self.due_at < now else ("ahead", "")


@needs_system_scope
def set_start(organization_id: UUID | None, starts_at: datetime, *, by: Actor, now: datetime) -> LaunchStart:
    """None: of the plan. Set again, it moves every date; what was ticked off stays."""
    values = {"starts_at": starts_at, "set_at": now}
    setting = insert(LaunchStart).values(id=new_uuid(), organization_id=organization_id, **values)
    db.session.execute(setting.on_conflict_do_update(index_elements=["organization_id"], set_=values))
    start = find_start(organization_id)
    after = {"organization_id": str(organization_id) if organization_id else None, "starts_at": starts_at.isoformat()}
    audit.write(None, "launch.start_set", by=by, now=now, subject_id=str(start.id), after=after)
    return start


@needs_system_scope
def find_start(organization_id: UUID | None) -> LaunchStart:
    """Raises NotFound where no date is set."""
    start = start_or_none(organization_id)
    if start is None:
        raise NotFound("No date is set yet.")
    return start


@needs_system_scope
def start_or_none(organization_id: UUID | None) -> LaunchStart | None:
    is_it = LaunchStart.organization_id.is_not_distinct_from(organization_id)
    return db.session.scalar(read_anew(select(LaunchStart).where(is_it)))


@needs_system_scope
def go_lives() -> list[tuple[LaunchStart, Organization]]:
    """The latest first."""
    query = select(LaunchStart, Organization).join(Organization, Organization.id == LaunchStart.organization_id)
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(LaunchStart.starts_at.desc()))]


def tasks_of(start: LaunchStart) -> tuple[Task, ...]:
    return PLAN if start.organization_id is None else WATCH


@needs_system_scope
def lines_of(start: LaunchStart) -> list[TaskLine]:
    rows = db.session.execute(
        select(LaunchConfirmation, User.name)
        .join(User, User.id == LaunchConfirmation.user_id)
        .where(LaunchConfirmation.period == str(start.id))
    )
    done = {row[0].item_code: (row[1], row[0].confirmed_at, row[0].words) for row in rows}
    owners = {lead: user.name for lead, user in leads().items()}
    return [
        TaskLine(task, task.due_at(start.starts_at), owners.get(task.owner), *done.get(task.code, ()))
        for task in tasks_of(start)
    ]


@needs_system_scope
def tick(start_id: UUID, code: str, *, words: str, by: Actor, now: datetime) -> LaunchStart:
    """Raises NotFound."""
    start = _start_with(start_id, code)
    values = {"user_id": by.id, "words": words, "confirmed_at": now}
    ticking = insert(LaunchConfirmation).values(item_code=code, period=str(start_id), **values)
    db.session.execute(ticking.on_conflict_do_update(index_elements=["item_code", "period"], set_=values))
    audit.write(None, "launch.task_done", by=by, now=now, subject_id=code, after={"start_id": str(start_id)})
    return start


@needs_system_scope
def untick(start_id: UUID, code: str, *, by: Actor, now: datetime) -> LaunchStart:
    """Raises NotFound."""
    start = _start_with(start_id, code)
    is_it = LaunchConfirmation.item_code == code, LaunchConfirmation.period == str(start_id)
    db.session.execute(delete(LaunchConfirmation).where(*is_it))
    audit.write(None, "launch.task_reopened", by=by, now=now, subject_id=code, after={"start_id": str(start_id)})
    return start


@needs_system_scope
def leads() -> dict[Lead, User]:
    """Those who are named and still are operators."""
    query = select(LaunchLead.lead, User).join(User, User.id == LaunchLead.user_id)
    rows = db.session.execute(query.where(User.is_operator, User.disabled_at.is_(None)))
    return {Lead(row[0]): row[1] for row in rows}


@needs_system_scope
def name_lead(lead: Lead, user_id: UUID, *, by: Actor, now: datetime) -> None:
    values = {"user_id": user_id, "named_at": now}
    naming = insert(LaunchLead).values(lead=lead.value, **values)
    db.session.execute(naming.on_conflict_do_update(index_elements=["lead"], set_=values))
    audit.write(None, "launch.lead_named", by=by, now=now, subject_id=lead.value, after={"user_id": str(user_id)})


@needs_system_scope
def remind(*, now: datetime) -> int:
    """Emails whoever owns a task whose time has come, once each; how many. None for what was over when it was set."""
    named = leads()
    count = 0
    for start in db.session.scalars(select(LaunchStart).order_by(LaunchStart.id)).all():
        place = _place_of(start)
        for line in lines_of(start):
            is_time = start.set_at <= line.due_at and line.task.reminded_at(start.starts_at) <= now
            if is_time and line.done_at is None and _claim(start.id, line.task.code, now=now):
                owner = named.get(line.task.owner)
                for email in [owner.email] if owner else emails_of_operators():
                    send_mail(
                        "launch_task_due", to=email, now=now, context={"line": line, "place": place, "start": start}
                    )
                count += 1
    return count


def _claim(start_id: UUID, code: str, *, now: datetime) -> bool:
    claiming = insert(LaunchReminder).values(start_id=start_id, task_code=code, sent_at=now).on_conflict_do_nothing()
    return db.session.execute(claiming.returning(LaunchReminder.task_code)).first() is not None


def _place_of(start: LaunchStart) -> str:
    if start.organization_id is None:
        return "in the launch plan"
    return f"for the go-live of {db.session.get_one(Organization, start.organization_id).name}"


def _start_with(start_id: UUID, code: str) -> LaunchStart:
    start, task = db.session.get(LaunchStart, start_id), task_of(code)
    if start is None or task is None or task not in tasks_of(start):
        raise NotFound("There is no such task.")
    return start
