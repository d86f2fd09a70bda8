"""What is told, to whom and in which words: one table, from the audit log's actions. Knows no database.

An action that is not here is told to nobody. Of what the audit log keeps about an action, only the facts that are named
here leave the building.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec


class EventAudience(StrEnum):
    OPERATORS = "operators"
    CUSTOMER = "customer"


class Event(msgspec.Struct, frozen=True):
    """`path` is where on our pages it can be looked at, `{id}` the record it is about; `facts` are those of the
    audit log that are sent along; `only` names a fact and the value without which nobody is told."""

    name: str
    audience: EventAudience
    words: str
    path: str
    facts: tuple[str, ...] = ()
    only: tuple[str, str] | None = None
    has_diff: bool = False
    """Whether what the policies changed is sent along as sentences."""


BLOCKED = Event(
    "decision.blocked",
    EventAudience.CUSTOMER,
    "Decisions blocked",
    "/decisions",
    ("count", "from", "until", "environments", "decision_ids", "reasons"),
)
"""Not from the audit log: counted each minute, see `blocked`."""
TEST = Event("test", EventAudience.CUSTOMER, "Test message", "", ("channel",))

_DESK, _INCIDENTS, _KEYS = "/console/support/{id}", "/console/incidents/{id}", "/keys/{id}"
_TICKET = ("number", "severity", "category", "level", "due_at")
_INCIDENT = ("title", "status", "impact", "components")
_AUDIT = ("kind", "starts_on", "ends_on")
_ALERT = ("alert", "severity", "about", "started_at")


def _operators(name: str, words: str, path: str, *facts: str) -> Event:
    return Event(name, EventAudience.OPERATORS, words, path, facts)


def _customer(name: str, words: str, path: str, *facts: str) -> Event:
    return Event(name, EventAudience.CUSTOMER, words, path, facts)


def _policies(name: str, words: str, path: str, *facts: str) -> Event:
    return Event(name, EventAudience.CUSTOMER, words, path, facts, has_diff=True)


EVENTS: Mapping[str, Event] = {
    "application.submitted": _operators("application.submitted", "Approval requested", "/console/applications/{id}"),
    "ticket.opened": _operators("ticket.opened", "Ticket created", _DESK, *_TICKET),
    "ticket.warned": _operators("ticket.warned", "Ticket response due soon", _DESK, *_TICKET),
    "ticket.escalated": _operators("ticket.escalated", "Ticket escalated", _DESK, *_TICKET),
    "ticket.breached": _operators("ticket.breached", "Ticket SLA missed", _DESK, *_TICKET),
    "suspected_breach.reported": _operators(
        "suspected_breach.reported", "Suspected breach reported", "/console/suspected-breaches/{id}", "number", "due_at"
    ),
    "incident.opened": _operators("incident.opened", "Incident created", _INCIDENTS, *_INCIDENT),
    "incident.updated": _operators("incident.updated", "Incident updated", _INCIDENTS, *_INCIDENT),
    "incident.resolved": _operators("incident.resolved", "Incident resolved", _INCIDENTS, *_INCIDENT),
    "incident.notice_overdue": _operators("incident.notice_overdue", "Incident notice overdue", _INCIDENTS, *_INCIDENT),
    "incident.update_overdue": _operators("incident.update_overdue", "Incident update overdue", _INCIDENTS, *_INCIDENT),
    "incident.review_overdue": _operators(
        "incident.review_overdue", "Incident post-mortem overdue", _INCIDENTS, *_INCIDENT
    ),
    "breach.notice_overdue": _operators("breach.overdue", "Breach notice to customers overdue", _INCIDENTS),
    "probe.failing": _operators("probe.failing", "Status probes failing", "/console/incidents"),
    "maintenance.scheduled": _operators(
        "maintenance.scheduled", "Maintenance scheduled", "/console/maintenances/{id}", "title", "starts_at", "ends_at"
    ),
    "sub_processor.change_object": _operators(
        "sub_processor.objection", "Customer objected to a sub-processor change", "/console/sub-processors"
    ),
    "audit.requested": _operators("audit.requested", "Audit requested", "/console/audits/{id}", *_AUDIT),
    "audit.canceled": _operators("audit.canceled", "Audit canceled", "/console/audits/{id}", *_AUDIT),
    "sub_processor.change_ask": _operators(
        "sub_processor.question", "Customer asked about a sub-processor change", "/console/sub-processors"
    ),
    "organization.kept": _operators(
        "organization.kept", "Organization closure canceled by an owner", "/console/organizations"
    ),
    "backup.failed": _operators("backup.failed", "Backup failed", "/console/figures", "kind", "failure"),
    "alert.firing": _operators("alert.firing", "Alert firing", "/console/figures", *_ALERT),
    "alert.resolved": _operators("alert.resolved", "Alert resolved", "/console/figures", *_ALERT),
    "api_key.created": _customer("api_key.created", "API key created", _KEYS, "name", "environment", "scopes"),
    "api_key.rotated": _customer("api_key.rotated", "API key rotated", _KEYS, "expires_at", "successor"),
    "api_key.deleted": _customer("api_key.deleted", "API key deleted", "/keys"),
    "api_key.erased": _customer("api_key.erased", "API key erased with its decisions", "/keys", "decisions"),
    "api_key.revoked": _customer("api_key.revoked", "API key revoked", _KEYS, "reason"),
    "api_key.rotation_reminded": _customer(
        "api_key.rotation_due", "API key is 90 days old and due for rotation", _KEYS
    ),
    "api_key.expiry_reminded": _customer("api_key.expiring", "API key expires soon", _KEYS, "expires_at"),
    "policy.changed": _policies("policy.changed", "Policies changed", "/policies/versions", "version"),
    "policy.draft_created": _customer(
        "policy.draft_created", "Policy draft created", "/policies/drafts/{id}", "name", "version"
    ),
    "policy.review_requested": _policies(
        "policy.review_requested", "Review of a policy draft requested", "/policies/drafts/{id}", "name", "changes"
    ),
    "policy.review_approved": _customer(
        "policy.review_approved", "Policy draft approved", "/policies/drafts/{id}", "name"
    ),
    "policy.review_declined": _customer(
        "policy.review_declined", "Policy draft declined", "/policies/drafts/{id}", "name"
    ),
    "policy.published_to_test": _policies(
        "policy.published_to_test", "Policy draft published to test keys", "/policies/versions", "name", "version"
    ),
    "policy.published_in_emergency": _policies(
        "policy.published_in_emergency",
        "Policy draft published without review",
        "/policies/versions",
        "name",
        "version",
        "changes",
        "emergency_reason",
    ),
    "policy.publishing_changed": _customer(
        "policy.publishing_changed",
        "Publishing permissions changed",
        "/policies/publishing",
        "needs_review",
        "keys_may_publish",
    ),
    "policy.published": _policies(
        "policy.published", "Policy draft published", "/policies/versions", "name", "version", "changes"
    ),
    "policy.migrated": _policies(
        "policy.migrated",
        "We changed your policies in an update: hard blocks that are off no longer add points",
        "/policies/versions",
        "version",
        "looked_at",
        "newly_allowed",
    ),
    "policy.rule_promoted": _policies(
        "policy.rule_promoted", "Policy rule enforced", "/policies/versions", "rule", "version"
    ),
    "policy.restored": _policies("policy.restored", "Policy version restored", "/policies/versions", "version"),
    "fact.looks_like_free_text": _customer(
        "fact.looks_like_free_text", "A fact looks like free text", "/decisions", "fact", "values"
    ),
    "entitlement.quota_near": _customer(
        "quota.near", "80% of this month's checks used", "/plan", "used", "limit", "until"
    ),
    "entitlement.quota_reached": _customer(
        "quota.reached", "All of this month's checks used", "/plan", "used", "limit", "until"
    ),
    "entitlement.changed": _customer(
        "entitlement.changed", "Plan or access changed", "/plan", "plan", "state", "reason"
    ),
    "legal.notice_given": _customer(
        "legal.new_version", "New version of a legal document", "/documents", "document", "version", "effective_at"
    ),
    "legal.reminded": _customer(
        "legal.acceptance_due", "Legal document needs acceptance", "/legal/accept", "document", "version", "due_at"
    ),
    "audit.confirmed": _customer("audit.confirmed", "Audit confirmed", "/documents/audits/{id}", *_AUDIT),
    "audit.declined": _customer("audit.declined", "Audit declined", "/documents/audits/{id}", *_AUDIT),
    "audit.completed": _customer("audit.completed", "Audit completed", "/documents/audits/{id}", *_AUDIT),
    "sub_processor.notice_given": _customer(
        "legal.sub_processor_change", "Sub-processor change announced", "/documents", "kind", "takes_effect_at"
    ),
    "invitation.sent": _customer("member.invited", "Member invited", "/team", "role"),
    "member.joined": _customer("member.joined", "Member joined", "/team", "role"),
    "member.role_changed": _customer("member.role_changed", "Member's role changed", "/team", "role"),
    "member.removed": _customer("member.removed", "Member left or was removed", "/team"),
    "member.signed_in": Event(
        "owner.logged_in", EventAudience.CUSTOMER, "An owner logged in", "/audit-trail", ("method",), ("role", "owner")
    ),
    "decisions.exported": _customer("decisions.exported", "Decision log exported", "/audit-trail", "format"),
    "decisions.reconciled": Event(
        "decisions.differed",
        EventAudience.CUSTOMER,
        "Local decisions differ from your policies",
        "/decisions",
        ("decisions", "different"),
        ("agreement", "differs"),
    ),
    "audit_trail.exported": _customer("audit_log.exported", "Audit log exported", "/audit-trail"),
    "organization.data_downloaded": _customer("organization.data_exported", "All data exported", "/audit-trail"),
    "organization.suspended": _customer("organization.suspended", "Organization suspended", "/organization", "reason"),
    "organization.restored": _customer("organization.restored", "Organization restored", "/organization", "reason"),
    "ticket.answered": _customer("ticket.answered", "Reply to a support request", "/support/{id}", *_TICKET),
}


def of_audience(audience: EventAudience) -> tuple[Event, ...]:
    """What a channel of this audience can ask for, in the order in which it is offered."""
    own = tuple(event for event in EVENTS.values() if event.audience is audience)
    return (BLOCKED, *own) if audience is EventAudience.CUSTOMER else own


def is_notified(event: Event, told: Mapping[str, Any] | None) -> bool:
    return event.only is None or (told or {}).get(event.only[0]) == event.only[1]


def path_of(event: Event, subject: str | None) -> str:
    """The record's own page, or the page of all where no record of ours is named."""
    try:
        return event.path.format(id=UUID((subject or "").rpartition("_")[2]))
    except ValueError:
        return event.path.removesuffix("/{id}")


def facts_of(event: Event, told: Mapping[str, Any] | None) -> dict[str, Any]:
    """The named facts of what the audit log keeps; those that it does not know are left out."""
    return {name: told[name] for name in event.facts if told and told.get(name) is not None}
