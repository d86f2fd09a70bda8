"""The people whom a newcomer meets under `flask serve`: a customer's team, an applicant who waits, and an operator.

Their password is made on the newcomer's machine and kept in a file that its owner alone may read. Never in production.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import select

from core import accounts as organizations
from core.accounts import Organization
from core.audit import COMMAND_LINE, Actor, ActorKind
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.members import Membership, Role, User
from core.passwords import hash_password
from core.settings import Environment, Settings
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.schema import SeenDocument, Statement
from legal_docs.acceptances.status import has_accepted_everything
from legal_docs.acceptances.wording import wording_for
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import ACCEPTED_KINDS
from local.demo.documents import publish_trial_versions
from portal.customer.applications import services as applications
from portal.customer.organization.services import save_details
from portal.customer.people import accounts, second_factor

DEMO_SLUG = "demo"
_WAITING_NAME = "Waiting Works"
_PEOPLE = {
    "ada@demo.example": "Ada Owner",
    "ben@demo.example": "Ben Developer",
    "cleo@waiting.example": "Cleo Applicant",
    "olga@operators.example": "Olga Operator",
}


class _Kept(msgspec.Struct):
    """What the file keeps."""

    password: str
    operator_codes: list[str] = []


def seed(settings: Settings) -> Iterator[tuple[str, str]]:
    """Makes who is missing, and yields what to tell the newcomer, as labelled lines."""
    if settings.environment is Environment.PRODUCTION:
        return
    publish_trial_versions(settings)
    file = settings.data_path / "demo-people.json"
    kept = msgspec.json.decode(file.read_bytes(), type=_Kept) if file.exists() else _Kept(_passphrase())
    now = utc_now()
    with acting_as_system(), transaction():
        people = {email: _person(email, name, kept.password, now=now) for email, name in _PEOPLE.items()}
        _join_demo(people, now=now)
        _join_applicant(people["cleo@waiting.example"], now=now)
        kept.operator_codes = _guard(people["olga@operators.example"], settings, now=now)
    _save(file, kept)
    yield "Portal", f"{settings.local_url}/log-in"
    yield "Customer", f"ada@demo.example, password: {kept.password}"
    yield "Operator", f"olga@operators.example, same password, then a recovery code: {kept.operator_codes[0]}"
    yield "", f"(each code works once; more in {file})"
    yield "Mail", f"{settings.local_url}/mailbox"


def _person(email: str, name: str, password: str, *, now: datetime) -> User:
    user = accounts.find_by_email(email)
    if user is None:
        user = accounts.create_user(
            email=email,
            name=name,
            password_hash=hash_password(password),
            now=now,
            is_confirmed=True,
            is_operator=email.startswith("olga@"),
        )
    return user


def _join_demo(people: dict[str, User], *, now: datetime) -> None:
    try:
        organization = organizations.find_by_slug(DEMO_SLUG)
    except organizations.UnknownOrganization:
        organization = organizations.create(slug=DEMO_SLUG, name="Demo organization", by=COMMAND_LINE, now=now)
    for email, role in (("ada@demo.example", Role.OWNER), ("ben@demo.example", Role.DEVELOPER)):
        if db.session.get(Membership, (organization.id, people[email].id)) is None:
            db.session.add(
                Membership(organization_id=organization.id, user_id=people[email].id, role=role.value, created_at=now)
            )
    db.session.flush()
    _complete(organization, people["ada@demo.example"], legal_name="Demo Organization Ltd", now=now)


def _join_applicant(user: User, *, now: datetime) -> None:
    """An organization whose application waits for the operator, as long as it was not decided."""
    if db.session.scalar(select(Membership).where(Membership.user_id == user.id)) is not None:
        return
    by = Actor(kind=ActorKind.MEMBER, id=user.id)
    organization = accounts.found_organization(user, name=_WAITING_NAME, by=by, now=now)
    _complete(organization, user, legal_name=f"{_WAITING_NAME} GmbH", now=now)
    applications.submit(organization.id, by=by, now=now)


def _complete(organization: Organization, user: User, *, legal_name: str, now: datetime) -> None:
    """Details and accepted documents, as the portal would have made them."""
    if has_accepted_everything(organization.id, now=now):
        return
    by = Actor(kind=ActorKind.MEMBER, id=user.id)
    details = {
        "legal_name": legal_name,
        "registration_number": "Example register 12345",
        "address": "1 Example Street, 10115 Berlin",
        "country": "DE",
        "website": None,
        "contact_name": user.name,
        "contact_email": user.email,
        "second_contact_name": None,
        "second_contact_email": None,
        "use_case": "Summaries of support requests for our own staff, each read by a person before it is used.",
        "expected_checks": "up to 100,000",
        "is_high_risk": False,
    }
    save_details(organization.id, details, by=by, now=now)
    versions = [version for kind in ACCEPTED_KINDS if (version := documents.newest(kind)) is not None]
    wording = wording_for(versions, legal_name=legal_name)
    acceptances.accept(
        organization.id,
        seen=[
            SeenDocument(kind, version.number, version.sha256)
            for kind, version in zip(ACCEPTED_KINDS, versions, strict=True)
        ],
        statement=Statement(
            name=user.name,
            title="Managing director",
            authority=wording.authority,
            checkbox_texts=wording.checkboxes,
            acknowledgements=wording.acknowledgements,
            button_text=wording.button,
            email=user.email,
            user_id=user.id,
            email_confirmed_at=user.email_confirmed_at,
            auth_method="password",
        ),
        by=by,
        now=now,
    )


def _guard(operator: User, settings: Settings, *, now: datetime) -> list[str]:
    """Recovery codes made anew for each run. The app's secret is nobody's until somebody sets one up."""
    second_factor.make_guarded(operator, secret_key=settings.secret_key, now=now)
    return list(second_factor.renew_recovery_codes(operator))


def _passphrase() -> str:
    return "-".join(secrets.token_hex(3) for _ in range(3))


def _save(file: Path, kept: _Kept) -> None:
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.encode(kept))
