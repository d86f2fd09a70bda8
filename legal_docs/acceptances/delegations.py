"""Sending the documents to the one who has the authority: a link for one address, good once, for 14 days.

The token is 256 random bits, and only its hash is kept. Looking at a link never uses it up: mail scanners look too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from core import addresses, audit
from core.audit import Actor
from core.db import acting_as_system, db
from core.errors import AppError
from core.ids import new_uuid
from core.mail import send_mail
from core.members import User
from core.profiles import find_profile
from core.rows import locking
from core.tokens import digest_of, new_token
from legal_docs import links
from legal_docs.acceptances import services
from legal_docs.acceptances.cover import refuse_unprintable
from legal_docs.acceptances.models import LegalAcceptance, LegalDelegation
from legal_docs.acceptances.schema import SeenDocument, Statement
from legal_docs.figures import DELEGATION_DAYS


class LinkUnusable(AppError):
    status, code, title = (
        HTTPStatus.GONE,
        "link_unusable",
        "This link has expired or was replaced by a newer one",
    )
    advice = "Ask the person who sent it to you for a new one."


class LinkUsed(LinkUnusable):
    title = "This link has already been used"
    advice = (
        "The documents it was sent for are accepted. For a newer version, ask the person who sent it for a new link."
    )


def delegate(organization_id: UUID, *, email: str, sender_email: str, by: Actor, now: datetime) -> LegalDelegation:
    """Mails a link to `email`; older links to the same address become void. The mail has nobody's free words in it.

    Raises DetailsMissing, or InvalidRequest if the address is none.
    """
    address = addresses.clean(email)
    profile = find_profile(organization_id)
    if profile is None:
        raise services.DetailsMissing
    refuse_unprintable(profile, {})  # whoever gets the link cannot change the details
    withdraw(organization_id, address, now=now)
    token = new_token()
    delegation = LegalDelegation(
        id=new_uuid(),
        organization_id=organization_id,
        email=address,
        token_hash=digest_of(token),
        created_at=now,
        created_by=by.id,
        expires_at=now + timedelta(days=DELEGATION_DAYS),
    )
    db.session.add(delegation)
    context = {
        "sender_email": sender_email,
        "path": links.delegation(token),
        "expires_at": delegation.expires_at,
    }
    send_mail("legal_delegation", to=address, now=now, context=context, organization_id=organization_id)
    audit.write(organization_id, "legal.delegated", by=by, now=now, subject_id=str(delegation.id))
    return delegation


def find_delegation(token: str, *, now: datetime) -> LegalDelegation:
    """Whom a link is for. Raises LinkUsed or LinkUnusable. Changes nothing. Enters the system's scope itself."""
    delegation = _find(token)
    if delegation is not None and delegation.consumed_at is not None:
        raise LinkUsed
    if delegation is None or not _is_usable(delegation, now=now):
        raise LinkUnusable
    return delegation


def accept_by_link(
    token: str, *, seen: Sequence[SeenDocument], statement: Statement, by: Actor, now: datetime
) -> list[LegalAcceptance]:
    """As `services.accept`, by the person the link was sent to; then the link is used up.

    Pressing twice gives the same acceptances again. Raises LinkUnusable and what `accept` raises. Enters the system's
    scope itself.
    """
    with acting_as_system():
        delegation = _find(token, for_update=True)
        if delegation is None:
            raise LinkUnusable
        if delegation.consumed_at is not None:
            return _acceptances_by(delegation, seen)
        if not _is_usable(delegation, now=now):
            raise LinkUnusable
        accepted = services.accept(
            delegation.organization_id,
            seen=seen,
            statement=msgspec.structs.replace(
                statement, email=delegation.email, user_id=None, auth_method="link", email_confirmed_at=now
            ),
            by=by,
            now=now,
            delegation_id=delegation.id,
        )
        delegation.consumed_at = now
        _tell_sender(delegation, statement, now=now)
        return accepted


def pending(organization_id: UUID, *, now: datetime) -> list[LegalDelegation]:
    """Links that can still be used, newest first."""
    query = (
        select(LegalDelegation)
        .where(
            LegalDelegation.organization_id == organization_id,
            LegalDelegation.consumed_at.is_(None),
            LegalDelegation.superseded_at.is_(None),
            LegalDelegation.expires_at > now,
        )
        .order_by(LegalDelegation.id.desc())
    )
    return list(db.session.scalars(query))


def _tell_sender(delegation: LegalDelegation, statement: Statement, *, now: datetime) -> None:
    sender, profile = db.session.get(User, delegation.created_by), find_profile(delegation.organization_id)
    if sender is None or profile is None:
        return
    context = {
        "name": sender.name,
        "signatory": statement.name,
        "signatory_email": delegation.email,
        "legal_name": profile.legal_name,
    }
    send_mail("legal_link_used", to=sender.email, now=now, context=context, organization_id=delegation.organization_id)


def _find(token: str, *, for_update: bool = False) -> LegalDelegation | None:
    query = select(LegalDelegation).where(LegalDelegation.token_hash == digest_of(token))
    if for_update:
        query = locking(query)
    with acting_as_system():
        return db.session.scalar(query)


def _is_usable(delegation: LegalDelegation, *, now: datetime) -> bool:
    return delegation.consumed_at is None and delegation.superseded_at is None and now < delegation.expires_at


def _acceptances_by(delegation: LegalDelegation, seen: Sequence[SeenDocument]) -> list[LegalAcceptance]:
    """What this link was used for, if it is asked for the same again; else the link is used up."""
    found = list(
        db.session.scalars(
            select(LegalAcceptance)
            .where(LegalAcceptance.delegation_id == delegation.id)
            .order_by(LegalAcceptance.position)
        )
    )
    if {acceptance.document_sha256 for acceptance in found} != {document.sha256 for document in seen}:
        raise LinkUsed
    return found


def withdraw(organization_id: UUID, email: str, *, now: datetime) -> None:
    """Links to this address open nothing any more."""
    db.session.execute(
        update(LegalDelegation)
        .where(
            LegalDelegation.organization_id == organization_id,
            LegalDelegation.email == email,
            LegalDelegation.consumed_at.is_(None),
            LegalDelegation.superseded_at.is_(None),
        )
        .values(superseded_at=now)
    )
