"""What is told, to whom and in which words: one table, from the audit trail's actions. Knows no database.

An action that is not here is told to nobody. Of what the trail keeps about an action, only the facts that are named
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
    """`path` is where on our pages it can be looked at, `{id}` the record it is about; `facts` are those of the trail
    that are sent along."""

    name: str
    audience: EventAudience
    words: str
    path: str
    facts: tuple[str, ...] = ()


BLOCKED = Event(
    "decision.blocked",
    EventAudience.CUSTOMER,
    "Decisions were blocked",
    "/decisions",
    ("count", "from", "until", "environments", "decision_ids", "reasons"),
)
"""Not from the trail: counted each minute, see `blocked`."""
TEST = Event("test", EventAudience.CUSTOMER, "A test, sent by hand", "", ("channel",))

_DESK, _INCIDENTS, _KEYS = "/console/support/{id}", "/console/incidents/{id}", "/keys/{id}"
_TICKET = ("number", "severity", "category", "level", "due_at")
_INCIDENT = ("title", "status", "impact", "components")
_ALERT = ("alert", "severity", "about", "started_at")


def _operators(name: str, words: str, path: str, *facts: str) -> Event:
    return Event(name, EventAudience.OPERATORS, words, path, facts)


def _customer(name: str, words: str, path: str, *facts: str) -> Event:
    return Event(name, EventAudience.CUSTOMER, words, path, facts)


EVENTS: Mapping[str, Event] = {
    "application.submitted": _operators("application.submitted", "An application waits", "/console/applications/{id}"),
    "ticket.opened": _operators("ticket.opened", "A support request was opened", _DESK, *_TICKET),
    "ticket.warned": _operators("ticket.warned", "A support request is due soon", _DESK, *_TICKET),
    "ticket.escalated": _operators("ticket.escalated", "A support request was escalated", _DESK, *_TICKET),
    "ticket.breached": _operators("ticket.breached", "A support request is late", _DESK, *_TICKET),
    "incident.opened": _operators("incident.opened", "An incident was opened", _INCIDENTS, *_INCIDENT),
    "incident.updated": _operators("incident.updated", "An incident was updated", _INCIDENTS, *_INCIDENT),
    "incident.resolved": _operators("incident.resolved", "An incident is resolved", _INCIDENTS, *_INCIDENT),
    "incident.notice_overdue": _operators(
        "incident.notice_overdue", "An incident is not told of yet", _INCIDENTS, *_INCIDENT
    ),
    "incident.update_overdue": _operators(
        "incident.update_overdue", "An incident's next word is late", _INCIDENTS, *_INCIDENT
    ),
    "incident.review_overdue": _operators(
        "incident.review_overdue", "An incident's review is late", _INCIDENTS, *_INCIDENT
    ),
    "breach.notice_overdue": _operators(
        "breach.overdue", "Customers are to be told of a breach, and the time is up", _INCIDENTS
    ),
    "probe.failing": _operators("probe.failing", "Our own probes fail", "/console/incidents"),
    "maintenance.scheduled": _operators(
        "maintenance.scheduled", "Maintenance is planned", "/console/maintenances/{id}", "title", "starts_at", "ends_at"
    ),
    "sub_processor.change_object": _operators(
        "sub_processor.objection", "A customer objects to a change of sub-processors", "/console/sub-processors"
    ),
    "sub_processor.change_ask": _operators(
        "sub_processor.question", "A customer asks about a change of sub-processors", "/console/sub-processors"
    ),
    "organization.kept": _operators(
        "organization.kept", "An owner keeps an account after all", "/console/organizations"
    ),
    "backup.failed": _operators("backup.failed", "A backup failed", "/console/figures", "kind", "failure"),
    "alert.firing": _operators("alert.firing", "An alert fires", "/console/figures", *_ALERT),
    "alert.resolved": _operators("alert.resolved", "An alert is over", "/console/figures", *_ALERT),
    "api_key.created": _customer("api_key.created", "An API key was made", _KEYS, "name", "environment", "scopes"),
    "api_key.rotated": _customer("api_key.rotated", "An API key was rotated", _KEYS, "expires_at", "successor"),
    "api_key.revoked": _customer("api_key.revoked", "An API key was revoked", _KEYS, "reason"),
    "api_key.rotation_reminded": _customer("api_key.rotation_due", "An API key is 90 days old: rotate it", _KEYS),
    "api_key.expiry_reminded": _customer("api_key.expiring", "An API key expires soon", _KEYS, "expires_at"),
    "policy.changed": _customer("policy.changed", "Policies were changed", "/policies/versions", "version"),
    "policy.migrated": _customer(
        "policy.migrated",
        "Policies have a new version: a switch that is off no longer adds points",
        "/policies/versions",
        "version",
        "looked_at",
        "newly_allowed",
    ),
    "policy.restored": _customer(
        "policy.restored", "An older version of the policies was restored", "/policies/versions", "version"
    ),
    "fact.looks_like_free_text": _customer(
        "fact.looks_like_free_text", "A field of your checks looks like free text", "/decisions", "fact", "values"
    ),
    "entitlement.quota_near": _customer(
        "quota.near", "80 % of the month's checks are used", "/plan", "used", "limit", "until"
    ),
    "entitlement.quota_reached": _customer(
        "quota.reached", "The month's checks are used up", "/plan", "used", "limit", "until"
    ),
    "entitlement.changed": _customer("entitlement.changed", "Your access changed", "/plan", "plan", "state", "reason"),
    "legal.notice_given": _customer(
        "legal.new_version", "A legal document has a new version", "/documents", "document", "version", "effective_at"
    ),
    "legal.reminded": _customer(
        "legal.acceptance_due", "A legal document has to be accepted", "/legal/accept", "document", "version", "due_at"
    ),
    "sub_processor.notice_given": _customer(
        "legal.sub_processor_change", "A change of sub-processors is announced", "/documents", "kind", "takes_effect_at"
    ),
    "organization.suspended": _customer(
        "organization.suspended", "Your organization was suspended", "/organization", "reason"
    ),
    "organization.restored": _customer(
        "organization.restored", "Your organization was restored", "/organization", "reason"
    ),
    "ticket.answered": _customer("ticket.answered", "We answered a support request", "/support/{id}", *_TICKET),
}


def of_audience(audience: EventAudience) -> tuple[Event, ...]:
    """What a channel of this audience can ask for, in the order in which it is offered."""
    own = tuple(event for event in EVENTS.values() if event.audience is audience)
    return (BLOCKED, *own) if audience is EventAudience.CUSTOMER else own


def path_of(event: Event, subject: str | None) -> str:
    """The record's own page, or the page of all where no record of ours is named."""
    try:
        return event.path.format(id=UUID((subject or "").rpartition("_")[2]))
    except ValueError:
        return event.path.removesuffix("/{id}")


def facts_of(event: Event, told: Mapping[str, Any] | None) -> dict[str, Any]:
    """The named facts of what the trail keeps; those that it does not know are left out."""
    return {name: told[name] for name in event.facts if told and told.get(name) is not None}
