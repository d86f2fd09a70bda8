"""Two firms, documents they can accept, and the days on which things happen."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import select, text

from core import accounts
from core.audit import SYSTEM, Actor, ActorKind, AuditEvent
from core.db import acting_as_system, db
from core.ids import new_uuid
from core.mail import MailMessage
from core.members import Membership, Role, User
from core.profiles import OrganizationProfile
from core.settings import Settings
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.acceptances.schema import SeenDocument, Statement
from legal_docs.acceptances.wording import wording_for
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import Entry, Review
from legal_docs.documents.kinds import ACCEPTED_KINDS, Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.documents.provider import Provider, provider_from
from legal_docs.publishing import publish

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
REVIEW = Review(reviewer="Lena Lawyer", on=NOW.date(), note="Reviewed, no remarks.")
PROVIDER = Provider(
    name="Harbour & Sons Ltd",
    address="1 Quay Street, Galway, Ireland",
    registration="CRO 123456",
    signatory="Olga Operator, Director",
    governing_law="Ireland",
    courts="Dublin, Ireland",
    support_email="support@harbour.example",
    legal_email="legal@harbour.example",
    privacy_email="privacy_team@harbour.example",
    security_email="security@harbour.example",
)
SETTINGS = Settings(
    provider_name=PROVIDER.name,
    provider_address=PROVIDER.address,
    provider_registration=PROVIDER.registration,
    provider_signatory=PROVIDER.signatory,
    governing_law=PROVIDER.governing_law,
    courts=PROVIDER.courts,
    support_email=PROVIDER.support_email,
    legal_email=PROVIDER.legal_email,
    privacy_email=PROVIDER.privacy_email,
    security_email=PROVIDER.security_email,
)
HOST = Entry(
    name="Cloud Host",
    entity="Cloud Host GmbH",
    address="2 Main Street, Berlin, Germany",
    country="DE",
    contact="privacy@cloud-host.example",
    purpose="Hosts the database.",
    data_categories="The decision log.",
    location="Frankfurt, Germany",
)
MAILER = msgspec.structs.replace(
    HOST,
    name="Mailer",
    entity="Mailer Inc.",
    country="US",
    location="Ohio, United States",
    first_mechanism="an adequacy decision",
    second_mechanism="standard contractual clauses",
)


class Firm(msgspec.Struct, frozen=True):
    """An organization with its details and one owner."""

    id: UUID
    owner_id: UUID
    email: str

    @property
    def owner(self) -> Actor:
        return Actor(kind=ActorKind.MEMBER, id=self.owner_id, address="203.0.113.7", request_id="req_1")


def found_firm(slug: str, *, with_details: bool = True, now: datetime = NOW) -> Firm:
    organization = accounts.create(slug=slug, name=slug.title(), by=SYSTEM, now=now)
    owner = join(organization.id, f"owner@{slug}.example", role=Role.OWNER)
    if with_details:
        db.session.add(
            OrganizationProfile(
                organization_id=organization.id,
                legal_name=f"{slug.title()} | <b>S.A.</b>",
                registration_number="HRB 42",
                address="Οδός 1, Αθήνα",
                country="GR",
                contact_name="Nikos Contact",
                contact_email=f"Contact@{slug}.example",
                use_case="Support chat",
                expected_checks="10,000 a month",
                is_high_risk=False,
                updated_at=now,
            )
        )
        db.session.flush()
    return Firm(id=organization.id, owner_id=owner, email=f"owner@{slug}.example")


def join(organization_id: UUID, email: str, *, role: Role) -> UUID:
    facts = {"is_operator": False, "created_at": NOW, "email_confirmed_at": NOW}
    user = User(id=new_uuid(), email=email, name="Ada", password_hash="x", **facts)
    db.session.add(user)
    db.session.flush()
    db.session.add(Membership(organization_id=organization_id, user_id=user.id, role=role.value, created_at=NOW))
    db.session.flush()
    return user.id


def publish_version(kind: Kind, number: str, *, now: datetime = NOW, **changes: Any) -> LegalVersion:
    facts: dict[str, Any] = {
        "is_major": number.endswith(".0"),
        "summary": f"What is new in {number}.",
        "effective_at": now,
        "review": REVIEW,
        "provider": provider_from(SETTINGS),
        "settings": SETTINGS,
        "by": SYSTEM,
    }
    with acting_as_system():
        return publish(kind, number=number, now=now, **{**facts, **changes})


def publish_first_versions() -> None:
    for kind in Kind:
        publish_version(kind, "1.0")


def publish_second_terms(*, now: datetime) -> LegalVersion:
    return publish_version(Kind.TERMS, "2.0", now=now, effective_at=now + timedelta(days=30))


def seen_now(*kinds: Kind) -> tuple[SeenDocument, ...]:
    newest = [documents.newest(kind) for kind in kinds or ACCEPTED_KINDS]
    return tuple(SeenDocument(Kind(found.kind), found.number, found.sha256) for found in newest if found is not None)


def statement(firm: Firm | None, *, count: int = 2, **changes: Any) -> Statement:
    words = wording_for([], legal_name="Ada")
    facts: dict[str, Any] = {
        "name": "Ada Lovelace",
        "title": "Managing director",
        "authority": words.authority,
        "checkbox_texts": tuple(f"I accept document {number}." for number in range(count)),
        "acknowledgements": words.acknowledgements,
        "button_text": "Accept the Terms of Service and the Data Processing Agreement",
        "email": firm.email if firm else "",
        "user_id": firm.owner_id if firm else None,
        "network_address": "203.0.113.7",
        "user_agent": "Browser/1.0",
        "request_id": "req_1",
        "session_id": str(uuid4()),
        "auth_method": "passkey",
    }
    return Statement(**{**facts, **changes})


def accept_all(firm: Firm, *, now: datetime = NOW) -> list[LegalAcceptance]:
    return acceptances.accept(firm.id, seen=seen_now(), statement=statement(firm), by=firm.owner, now=now)


def mails(template: str) -> list[MailMessage]:
    with acting_as_system():
        return list(db.session.scalars(select(MailMessage).where(MailMessage.template == template)))


def run_as(role: str, sentence: str) -> None:
    """In a savepoint, so that the test goes on after a refusal."""
    with db.session.begin_nested():
        db.session.execute(text("SELECT set_config('role', :role, true)"), {"role": role})
        db.session.execute(text(sentence))


def send_mail_at(template: str, moment: datetime) -> None:
    with acting_as_system():
        statement = "UPDATE mail_message SET sent_at = :at WHERE template = :t"
        db.session.execute(text(statement), {"t": template, "at": moment})


def recipients_of(found: Iterable[MailMessage]) -> list[str]:
    return sorted(mail.recipient for mail in found)


def trail_of(organization_id: UUID) -> list[str]:
    """What an organization's own trail says about notices, the oldest first."""
    told = ("legal.notice_given", "legal.reminded", "sub_processor.notice_given")
    query = select(AuditEvent.action).where(AuditEvent.organization_id == organization_id, AuditEvent.action.in_(told))
    return list(db.session.scalars(query.order_by(AuditEvent.id)))
