"""All of an organization's data as one ZIP, made while it is sent: a million decisions do not grow memory."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import inspect, select
from zipstream import ZIP_DEFLATED, ZipStream

from api.decisions import export
from api.decisions import services as decisions
from api.decisions.schema import DecisionFilter, ExportFormat
from api.keys import lookup
from api.policies import files
from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.v1 import key_schema
from billing import mirror
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import db
from core.profiles import find_profile
from legal_docs.archive import records_of
from portal.customer.applications.models import Application, ApplicationMessage
from portal.customer.audit_log import services as trail
from portal.customer.onboarding.checklist import ChecklistTick
from portal.customer.team import members
from portal.customer.team.models import Invitation
from portal.feedback.models import Feedback
from portal.notifications import channels
from portal.status.breach_models import BreachNotice
from portal.support import archive as requests

_READ_ME = """This archive contains the data we store about your organization.

organization.json   your organization and its details
applications.json   approval requests, with questions and answers
checklist.json      the go-live checklist
members.json        members
invitations.json    invitations and their roles
keys.json           API keys, without secrets, which we do not store
policies.json       every policy version
policy_drafts.json  every policy draft
policy_file.json    the last policy file that was pushed, if there is one
decisions.ndjson    the decision log, oldest first, one JSON object per line
audit-trail.ndjson  the audit log, oldest first
requests.json       support requests: messages, events and ratings
requests/           their attachments, by request number
feedback.json       your answers to surveys

acceptances.json            accepted documents, by whom, with the evidence
documents-seen.json         when signers viewed, opened and downloaded the documents they accepted
signing-links.json          links that were sent to signers
legal-notices.json          notices of new versions and sub-processor changes
breach-notices.json         breach notices that we sent you
audits.json                 audits that you requested, our answers and the findings
sub-processor-answers.json  your responses to sub-processor changes, and our answers

channels.json   notification channels and their events, without secrets
invoices.json   invoices, as received from the payment provider

The last line of decisions.ndjson and of audit-trail.ndjson has "complete": true, the number of records before it,
and the SHA-256 of every byte before it. The archive is complete if it can be opened: its directory is written last.

Not included: records of emails sent (we do not keep their text), the last month's notification delivery attempts
(see the page of the channel), and statistics derived from the decision log.
"""
_SECRETS = frozenset({"token_hash", "sealed_target", "sealed_secret", "sealed_old_secret", "confirmation"})


def note_download(organization_id: UUID, *, by: Actor, now: datetime) -> None:
    audit.write(organization_id, "organization.data_downloaded", by=by, now=now)


def pieces(organization_id: UUID, *, now: datetime) -> Iterator[bytes]:
    """The file, bit by bit. Runs in the organization's scope."""
    organization = db.session.get_one(Organization, organization_id)
    archive = ZipStream(compress_type=ZIP_DEFLATED)
    archive.add(_READ_ME.encode(), "README.txt")
    archive.add(_json(_organization(organization, now=now)), "organization.json")
    archive.add(_json(_applications(organization_id)), "applications.json")
    archive.add(_json(_rows(ChecklistTick, organization_id)), "checklist.json")
    archive.add(_json(members.every(organization_id)), "members.json")
    archive.add(_json(_rows(Invitation, organization_id)), "invitations.json")
    archive.add(_json(list(map(key_schema.view_of, lookup.every(organization_id)))), "keys.json")
    archive.add(_json(policies.all_versions(organization_id)), "policies.json")
    archive.add(_json(drafts.list_every(organization_id)), "policy_drafts.json")
    archive.add(_json(files.find_pushed(organization_id)), "policy_file.json")
    archive.add(_json(requests.records_of(organization_id)), "requests.json")
    for name, content in requests.files_of(organization_id):
        archive.add(content, f"requests/{name}")
    archive.add(_json(_feedback(organization_id)), "feedback.json")
    for name, rows in records_of(organization_id).items():
        archive.add(_json(list(map(_columns, rows))), f"{name}.json")
    archive.add(_json(_rows(BreachNotice, organization_id)), "breach-notices.json")
    archive.add(_json(list(map(_columns, channels.every(organization_id)))), "channels.json")
    archive.add(_json(list(map(_columns, mirror.invoices_of(organization_id)))), "invoices.json")
    log = decisions.stream(organization_id, DecisionFilter(), subject_secret=organization.subject_secret)
    archive.add(export.lines(log, ExportFormat.NDJSON), "decisions.ndjson")
    archive.add(export.ndjson_lines(trail.stream(organization_id)), "audit-trail.ndjson")
    yield from archive


def _organization(organization: Organization, *, now: datetime) -> dict[str, Any]:
    profile = find_profile(organization.id)
    return {
        "name": organization.name,
        "slug": organization.slug,
        "status": organization.status,
        "retention_days": organization.retention_days,
        "created_at": organization.created_at,
        "exported_at": now,
        "details": _columns(profile) if profile else None,
    }


def _applications(organization_id: UUID) -> list[dict[str, Any]]:
    """Each with what was said in it; notes among operators are not the organization's."""
    said = _rows(ApplicationMessage, organization_id)
    return [
        {**application, "messages": [message for message in said if message["application_id"] == application["id"]]}
        for application in _rows(Application, organization_id)
    ]


def _rows(model: Any, organization_id: UUID) -> list[dict[str, Any]]:
    """In the order of their keys, which is that of time."""
    query = select(model).where(model.organization_id == organization_id).order_by(*inspect(model).primary_key)
    return list(map(_columns, db.session.scalars(query)))


def _feedback(organization_id: UUID) -> list[dict[str, Any]]:
    """What operators noted of calls is not the organization's."""
    rows = db.session.execute(
        select(Feedback.kind, Feedback.asked_at, Feedback.answered_at, Feedback.answers)
        .where(Feedback.organization_id == organization_id)
        .order_by(Feedback.id)
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001  what SQLAlchemy calls it


def _columns(row: Any) -> dict[str, Any]:
    names = (column.key for column in row.__mapper__.column_attrs)
    return {name: getattr(row, name) for name in names if name not in _SECRETS}


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)
