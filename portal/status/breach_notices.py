"""Telling the affected: what Article 33(3) asks for, with each organization's own numbers, once in each phase.

A drill does all of it, but its only readers are the operators.
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select, text

from core import audit, current
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.formats import counted, utc
from core.ids import new_uuid
from core.mail import MailMessage, send_mail
from core.mail_records import proves_something
from core.members import Role, emails_of, emails_of_operators
from core.profiles import find_profile
from core.scope import needs_system_scope
from portal.status import breaches
from portal.status.breach_models import Breach, BreachNotice
from portal.status.breaches import FACTS

_MAIL = "breach_notice"


class NobodyAffected(AppError):
    status, code, title = HTTPStatus.CONFLICT, "nobody_affected", "The notice cannot be sent yet"
    advice = "No organization is listed as affected. Add at least one first."


_NUMBERS = text("""
    SELECT (SELECT count(*) FROM decision
            WHERE organization_id = :organization_id AND decided_at >= :since AND decided_at < :until) AS decisions,
           (SELECT count(DISTINCT subject) FROM decision
            WHERE organization_id = :organization_id AND decided_at >= :since AND decided_at < :until) AS subjects,
           (SELECT count(*) FROM api_key
            WHERE organization_id = :organization_id AND created_at < :until
              AND coalesce(revoked_at, 'infinity') >= :since AND coalesce(expires_at, 'infinity') >= :since) AS keys,
           (SELECT count(*) FROM membership
            WHERE organization_id = :organization_id AND created_at < :until) AS members
""")


class Numbers(msgspec.Struct, frozen=True):
    """What there is of an organization in the time concerned."""

    decisions: int
    subjects: int
    """Different pseudonyms, kept as keyed hashes: we do not know who they are."""
    keys: int
    members: int
    retention_days: int


@needs_system_scope
def numbers_of(organization: Organization, *, since: datetime, until: datetime) -> Numbers:
    row = db.session.execute(_NUMBERS, {"organization_id": organization.id, "since": since, "until": until}).one()
    return Numbers(row.decisions, row.subjects, row.keys, row.members, organization.retention_days)


@needs_system_scope
def send(incident_id: UUID, *, version: int, by: Actor, now: datetime) -> int:
    """The next phase, to each that is affected; to how many. Raises NobodyAffected or BreachMoved."""
    breach = breaches.find(incident_id)
    affected = breaches.organizations_of(breach)
    if not affected:
        raise NobodyAffected
    breach = breaches.change(breach, version=version, phase=breach.phase + 1)
    for organization in affected:
        _send_to(organization, breach, by=by, now=now)
    if breach.is_drill:
        _notify_operators(breach, len(affected), now=now)
    return len(affected)


def read_by(organization_id: UUID, breach_id: UUID) -> list[BreachNotice]:
    """What an organization was told of one breach, oldest first. Raises NotFound. Runs in its own scope."""
    query = select(BreachNotice).where(
        BreachNotice.organization_id == organization_id,
        BreachNotice.breach_id == breach_id,
        BreachNotice.is_drill.is_(False),
    )
    found = list(db.session.scalars(query.order_by(BreachNotice.phase)))
    if not found:
        raise NotFound("This notice does not exist.")
    return found


def every_one_of(organization_id: UUID) -> list[BreachNotice]:
    """Runs in its own scope."""
    query = select(BreachNotice).where(
        BreachNotice.organization_id == organization_id, BreachNotice.is_drill.is_(False)
    )
    return list(db.session.scalars(query.order_by(BreachNotice.id)))


def as_text(notices: list[BreachNotice]) -> str:
    """For an organization's own files."""
    return "\n\n".join(f"{name_of(one)}, sent {utc(one.sent_at)}\n\n{_in_lines(one)}" for one in notices)


TITLES = {
    "nature": "Nature of the breach",
    "people": "Categories of people",
    "records": "Categories of records",
    "numbers": "Approximate numbers for your organization",
    "contact": "Contact for more information",
    "consequences": "Likely consequences",
    "measures": "Measures taken or proposed",
}


@proves_something
def mails_of_notices() -> Select[Any]:
    return select(MailMessage.id).where(MailMessage.template == _MAIL, MailMessage.organization_id.is_not(None))


def numbers_in_words(numbers: Mapping[str, int]) -> str:
    decisions, subjects = (
        counted(numbers["decisions"], "decision"),
        counted(numbers["subjects"], "pseudonymous subject"),
    )
    keys, members = counted(numbers["keys"], "API key"), counted(numbers["members"], "member")
    days = counted(numbers["retention_days"], "day")
    return (
        f"{decisions} in the log, about {subjects} (we store keyed hashes and cannot identify them), {keys} (we store "
        f"SHA-256 hashes, never the keys), {members}. The log is retained for {days}."
    )


def _send_to(organization: Organization, breach: Breach, *, by: Actor, now: datetime) -> None:
    numbers = msgspec.to_builtins(numbers_of(organization, since=breach.from_at, until=breach.until_at))
    notice = BreachNotice(
        id=new_uuid(),
        breach_id=breach.id,
        organization_id=organization.id,
        phase=breach.phase,
        is_drill=breach.is_drill,
        content={
            **{name: getattr(breach, name) for name in FACTS},
            "numbers": numbers,
            "from_at": breach.from_at.isoformat(),
            "until_at": breach.until_at.isoformat(),
            "discovered_at": breach.discovered_at.isoformat(),
        },
        recipients=[] if breach.is_drill else _recipients(organization.id),
        sent_at=now,
    )
    db.session.add(notice)
    db.session.flush()
    after = {"phase": breach.phase, "is_drill": breach.is_drill, "recipients": len(notice.recipients)}
    for_whom = None if breach.is_drill else organization.id
    audit.write(for_whom, "breach.notified", by=by, now=now, subject_id=str(breach.id), after=after)
    for email in notice.recipients:
        _mail(email, notice, organization.name, organization_id=organization.id, now=now)


def _recipients(organization_id: UUID) -> list[str]:
    """Owners and the contacts of the account: DPA 9.2."""
    profile = find_profile(organization_id)
    contacts = [profile.contact_email, profile.second_contact_email] if profile else []
    wanted = [*emails_of(organization_id, [Role.OWNER]), *filter(None, contacts)]
    return sorted({email.lower() for email in wanted})


def _mail(email: str, notice: BreachNotice, name: str, *, organization_id: UUID | None, now: datetime) -> None:
    words: dict[str, Any] = {
        "organization": name,
        "breach_id": notice.breach_id,
        "phase": notice.phase,
        "first_sent_at": _first_sent_at(notice),
        "is_drill": notice.is_drill,
        "lines": list(lines_of(notice)),
        "security_email": current.settings().security_email,
    }
    send_mail(_MAIL, to=email, organization_id=organization_id, now=now, context=words)


def _first_sent_at(notice: BreachNotice) -> datetime:
    query = select(func.min(BreachNotice.sent_at)).where(
        BreachNotice.breach_id == notice.breach_id, BreachNotice.organization_id == notice.organization_id
    )
    return db.session.scalars(query).one() or notice.sent_at


def _notify_operators(breach: Breach, count: int, *, now: datetime) -> None:
    """The mail of a drill: the first organization's, with how many would have got theirs."""
    first = next(one for one in breaches.notices_of(breach) if one.phase == breach.phase)
    for email in emails_of_operators():
        _mail(email, first, counted(count, "organization"), organization_id=None, now=now)


def name_of(notice: BreachNotice) -> str:
    return "First notice" if notice.phase == 1 else f"Update {notice.phase - 1}"


def lines_of(notice: BreachNotice) -> list[tuple[str, str]]:
    """Titles and words, in the order of Article 33(3)."""
    content = {**notice.content, "numbers": numbers_in_words(notice.content["numbers"])}
    return [(title, content[name] or "Not known yet. To follow.") for name, title in TITLES.items()]


def _in_lines(notice: BreachNotice) -> str:
    return "\n\n".join(f"{title}\n{words}" for title, words in lines_of(notice))
