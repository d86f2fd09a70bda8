"""Accepting documents, and reading what was accepted."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from core import audit
from core.accounts import Organization, hold
from core.audit import Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound
from core.ids import new_uuid
from core.mail import Attachment, send_mail
from core.mail_records import proves_something
from core.profiles import OrganizationProfile, find_profile
from legal_docs import links
from legal_docs.acceptances import status as acceptance_status
from legal_docs.acceptances import view_log
from legal_docs.acceptances.cover import Signatory, cover_page, refuse_unprintable
from legal_docs.acceptances.evidence import hash_of
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.acceptances.records import record
from legal_docs.acceptances.schema import SeenDocument, Statement
from legal_docs.acceptances.wording import ACKNOWLEDGEMENTS
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import ACCEPTED_KINDS
from legal_docs.documents.models import LegalVersion

RECEIPT = "legal_receipt"
"""The kind of attachment that is a countersigned document."""


class VersionSuperseded(AppError):
    """`newest` holds the versions to show instead."""

    status, code, title = HTTPStatus.CONFLICT, "version_superseded", "A newer version was published in the meantime"
    advice = "Read and accept the latest version instead."

    def __init__(self, newest: Sequence[LegalVersion]) -> None:
        names = ", ".join(f"{version.title} {version.number}" for version in newest)
        super().__init__(f"Read and accept the latest version instead: {names}. Nothing was accepted.")
        self.newest = tuple(newest)


class DetailsMissing(AppError):
    status, code, title = HTTPStatus.CONFLICT, "details_missing", "Organization details are missing"
    advice = "Add the legal name, registration number, address and contact first. They appear on the cover page."


def accept(
    organization_id: UUID,
    *,
    seen: Sequence[SeenDocument],
    statement: Statement,
    by: Actor,
    now: datetime,
    delegation_id: UUID | None = None,
) -> list[LegalAcceptance]:
    """One acceptance for each document, and one receipt by mail. Doing it twice changes nothing and sends nothing.

    Raises VersionSuperseded, DetailsMissing, or InvalidRequest naming each field at fault. Lifts the organization's
    due date at once if nothing else is due. Works in the organization's scope and in the system's.
    """
    _refuse_incomplete(seen, statement)
    documents.wait_for_publishing()
    organization = hold(organization_id)  # two people who accept at once come one after the other
    profile = find_profile(organization_id)
    if profile is None:
        raise DetailsMissing
    refuse_unprintable(profile, {"name": statement.name, "title": statement.title, "email": statement.email})
    versions = _newest_as_seen(seen)
    before = _accepted_before(organization_id, versions, statement.user_id, delegation_id)
    if len(before) == len(versions):
        return before
    wanted = [version for version in versions if version.id not in {acceptance.version_id for acceptance in before}]
    added = _add(organization, profile, wanted, statement, delegation_id=delegation_id, now=now)
    for acceptance in added:
        _note(acceptance, by=by, now=now)
    acceptance_status.set_due_date(organization_id, now=now)
    return [*before, *added]


def find(organization_id: UUID, acceptance_id: UUID) -> LegalAcceptance:
    """Raises NotFound, also for an acceptance of another organization."""
    acceptance = db.session.scalar(
        select(LegalAcceptance).where(
            LegalAcceptance.organization_id == organization_id, LegalAcceptance.id == acceptance_id
        )
    )
    if acceptance is None:
        raise NotFound("Receipt not found.")
    return acceptance


def history(organization_id: UUID) -> list[LegalAcceptance]:
    """Every acceptance of the organization, newest first."""
    return list(
        db.session.scalars(
            select(LegalAcceptance)
            .where(LegalAcceptance.organization_id == organization_id)
            .order_by(LegalAcceptance.position.desc())
        )
    )


def _refuse_incomplete(seen: Sequence[SeenDocument], statement: Statement) -> None:
    needed = {
        "name": (statement.name, "Enter your full name."),
        "title": (statement.title, "Enter your job title."),
        "authority": (statement.authority, "Confirm that you are authorized, or send the documents to someone who is."),
        "email": (statement.email, "Enter your email address. We send the receipt there."),
        "button_text": (statement.button_text, "Reload the page and try again."),
    }
    problems = [FieldProblem(name, "missing", advice) for name, (value, advice) in needed.items() if not value.strip()]
    kinds = [document.kind for document in seen]
    if not kinds or len(set(kinds)) != len(kinds) or not set(kinds) <= set(ACCEPTED_KINDS):
        problems.append(FieldProblem("documents", "invalid_value", "Name each document to accept once."))
    if len([text for text in statement.checkbox_texts if text.strip()]) != len(kinds):
        problems.append(FieldProblem("checkboxes", "missing", "Select the checkbox of each document."))
    if len([text for text in statement.acknowledgements if text.strip()]) != ACKNOWLEDGEMENTS:
        problems.append(FieldProblem("acknowledgements", "missing", "Confirm lawful use and the limits of a pilot."))
    if problems:
        raise InvalidRequest(errors=tuple(problems))


def _newest_as_seen(seen: Sequence[SeenDocument]) -> list[LegalVersion]:
    newest = [version for document in seen if (version := documents.newest(document.kind)) is not None]
    if len(newest) != len(seen):
        raise NotFound("This document has not been published yet.")
    stale = [
        version
        for document, version in zip(seen, newest, strict=True)
        if (document.number, document.sha256) != (version.number, version.sha256)
    ]
    if stale:
        raise VersionSuperseded(stale)
    return newest


def _accepted_before(
    organization_id: UUID, versions: Sequence[LegalVersion], user_id: UUID | None, delegation_id: UUID | None
) -> list[LegalAcceptance]:
    return list(
        db.session.scalars(
            select(LegalAcceptance)
            .where(
                LegalAcceptance.organization_id == organization_id,
                LegalAcceptance.version_id.in_([version.id for version in versions]),
                LegalAcceptance.user_id == user_id if user_id else LegalAcceptance.delegation_id == delegation_id,
            )
            .order_by(LegalAcceptance.position)
        )
    )


@proves_something
def mails_of_receipts() -> Select[Any]:
    return select(LegalAcceptance.receipt_mail_id).where(LegalAcceptance.receipt_mail_id.is_not(None))


def _add(
    organization: Organization,
    profile: OrganizationProfile,
    versions: Sequence[LegalVersion],
    statement: Statement,
    *,
    delegation_id: UUID | None,
    now: datetime,
) -> list[LegalAcceptance]:
    signatory = Signatory(name=statement.name, title=statement.title, email=statement.email)
    page = cover_page(profile, organization=organization, documents=versions, signatory=signatory)
    identifiers = [new_uuid() for _ in versions]
    mail_id = _send_receipt(organization, profile, versions, identifiers, statement, now=now)
    before = db.session.scalar(
        select(LegalAcceptance)
        .where(LegalAcceptance.organization_id == organization.id)
        .order_by(LegalAcceptance.position.desc())
        .limit(1)
    )
    added = []
    for identifier, version in zip(identifiers, versions, strict=True):
        acceptance = record(profile, version, statement)
        acceptance.id = identifier
        acceptance.delegation_id = delegation_id
        acceptance.position = before.position + 1 if before else 1
        acceptance.previous_sha256 = before.evidence_sha256 if before else None
        acceptance.cover_page, acceptance.cover_page_sha256 = page, sha256(page.encode()).hexdigest()
        acceptance.events = [
            *view_log.events_before(
                version, organization_id=organization.id, user_id=statement.user_id, delegation_id=delegation_id
            ),
            view_log.event("agreed", now),
        ]
        acceptance.receipt_mail_id, acceptance.accepted_at = mail_id, now
        acceptance.evidence_sha256 = hash_of(acceptance)
        db.session.add(acceptance)
        db.session.flush()
        added.append(acceptance)
        before = acceptance
    return added


def _send_receipt(
    organization: Organization,
    profile: OrganizationProfile,
    versions: Sequence[LegalVersion],
    identifiers: Sequence[UUID],
    statement: Statement,
    *,
    now: datetime,
) -> UUID:
    rows = [
        {"title": version.title, "number": version.number, "sha256": version.sha256, "path": links.receipt(identifier)}
        for version, identifier in zip(versions, identifiers, strict=True)
    ]
    context = {"legal_name": profile.legal_name, "statement": statement, "documents": rows, "accepted_at": now}
    return send_mail(
        "legal_receipt",
        to=statement.email,
        now=now,
        context=context,
        organization_id=organization.id,
        attachments=[
            Attachment(f"{version.file_name}-countersigned.pdf", RECEIPT, identifier)
            for version, identifier in zip(versions, identifiers, strict=True)
        ],
    )


def _note(acceptance: LegalAcceptance, *, by: Actor, now: datetime) -> None:
    audit.write(
        acceptance.organization_id,
        "legal.accepted",
        by=by,
        now=now,
        subject_id=str(acceptance.id),
        after={
            "document": acceptance.kind,
            "version": acceptance.number,
            "sha256": acceptance.document_sha256,
            "evidence_sha256": acceptance.evidence_sha256,
            "signer": acceptance.signer_name,
            "by_link": acceptance.delegation_id is not None,
        },
    )
