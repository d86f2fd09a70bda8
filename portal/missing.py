"""Where a page that was not found, or that is gone, leads: to the list that the thing would be in."""

import re
from uuid import UUID

import msgspec

from api.policies.drafts import services as drafts
from core.access import current_user_or_none
from core.db import acting_as_system, acting_for
from core.errors import NotFound
from core.sessions import CurrentUser
from portal.notifications import channels


class NextPage(msgspec.Struct, frozen=True):
    path: str
    label: str


_OF_EVERYBODY = {
    "/change-address": NextPage("/account/security", "Go to account security"),
    "/confirm": NextPage("/log-in", "Log in"),
    "/docs": NextPage("/docs", "Go to docs"),
    "/docs/api": NextPage("/docs/api", "Go to API reference"),
    "/docs/problems": NextPage("/docs/problems", "Go to errors and problems"),
    "/feedback": NextPage("/support", "Go to support"),
    "/legal": NextPage("/legal", "Go to legal documents"),
    "/reset-password": NextPage("/forgotten-password", "Request a new link"),
    "/status": NextPage("/status", "Go to status page"),
    "/status/incidents": NextPage("/status/history", "Go to incident history"),
    "/status/subscriptions": NextPage("/status/subscribe", "Subscribe to updates"),
    "/status/unsubscribe": NextPage("/status/subscribe", "Subscribe to updates"),
    "/survey": NextPage("/support", "Go to support"),
}
_OF_MEMBERS = {
    "/account": NextPage("/account/security", "Go to account security"),
    "/checklist": NextPage("/checklist", "Go to go-live checklist"),
    "/decisions": NextPage("/decisions", "Go to decision log"),
    "/decisions/views": NextPage("/decisions/views", "Go to saved views"),
    "/documents": NextPage("/documents", "Go to documents"),
    "/documents/audits": NextPage("/documents/audits", "Go to audits"),
    "/help/checks": NextPage("/help/checks", "Go to troubleshooting"),
    "/keys": NextPage("/keys", "Go to API keys"),
    "/legal/acceptances": NextPage("/documents", "Go to documents"),
    "/organization": NextPage("/organization", "Go to organization"),
    "/organization/notifications": NextPage("/organization/notifications", "Go to notifications"),
    "/plan": NextPage("/plan", "Go to plan and usage"),
    "/plan/invoices": NextPage("/plan/invoices", "Go to invoices"),
    "/policies": NextPage("/policies", "Go to policies"),
    "/policies/drafts": NextPage("/policies/drafts", "Go to drafts"),
    "/policies/fail-modes": NextPage("/policies/fail-modes", "Go to fail modes"),
    "/policies/models": NextPage("/policies/models", "Go to models"),
    "/policies/presets": NextPage("/policies/presets", "Go to presets"),
    "/policies/required-facts": NextPage("/policies/required-facts", "Go to required facts"),
    "/policies/rules": NextPage("/policies#rules", "Go to custom rules"),
    "/policies/tests": NextPage("/decisions", "Go to decision log"),
    "/policies/versions": NextPage("/policies/versions", "Go to version history"),
    "/start/first-check": NextPage("/keys", "Go to API keys"),
    "/support": NextPage("/support", "Go to support requests"),
    "/team": NextPage("/team", "Go to team"),
}
_OF_OPERATORS = {
    "/console": NextPage("/console", "Go to Now"),
    "/console/applications": NextPage("/console/applications", "Go to approval requests"),
    "/console/audits": NextPage("/console/audits", "Go to audits"),
    "/console/billing": NextPage("/console/billing", "Go to billing"),
    "/console/breaches": NextPage("/console/breaches", "Go to breach register"),
    "/console/documents": NextPage("/console/documents", "Go to documents"),
    "/console/feedback": NextPage("/console/feedback", "Go to feedback"),
    "/console/feedback/organizations": NextPage("/console/organizations", "Go to organizations"),
    "/console/handbook": NextPage("/console/handbook", "Go to handbook"),
    "/console/incidents": NextPage("/console/incidents", "Go to incidents"),
    "/console/launch": NextPage("/console/launch", "Go to launch board"),
    "/console/launch/watch": NextPage("/console/launch/watch", "Go to watch lists"),
    "/console/mail": NextPage("/console/mail", "Go to emails not sent"),
    "/console/maintenances": NextPage("/console/incidents", "Go to incidents"),
    "/console/notifications": NextPage("/console/notifications", "Go to notifications"),
    "/console/organizations": NextPage("/console/organizations", "Go to organizations"),
    "/console/sub-processors": NextPage("/console/sub-processors", "Go to sub-processors"),
    "/console/support": NextPage("/console/support", "Go to tickets"),
    "/console/support/email": NextPage("/console/support/email", "Go to email quarantine"),
    "/console/suspected-breaches": NextPage("/console/suspected-breaches", "Go to suspected breaches"),
}
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IN_DRAFT = re.compile(rf"(/policies/drafts/({_ID}))/([a-z-]+)/")
_IN_CHANNEL = re.compile(rf"(/(organization|console)/notifications/({_ID}))/deliveries/")


def next_page(path: str) -> NextPage | None:
    """From the page that was asked for. None where no list is nearer than the first page."""
    who = current_user_or_none()
    return _holder(who, path) or _list(who, path)


def _list(who: CurrentUser | None, path: str) -> NextPage | None:
    known = dict(_OF_EVERYBODY)
    if who and who.membership:
        known |= _OF_MEMBERS
    if who and who.is_operator:
        known |= _OF_OPERATORS
    near = [start for start, found in known.items() if path.startswith(f"{start}/") and path != found.path]
    return known[max(near, key=len)] if near else None


def _holder(who: CurrentUser | None, path: str) -> NextPage | None:
    """What the missing thing is a part of, if that is there: the draft of a rule, the channel of a delivery."""
    draft, channel = _IN_DRAFT.match(path), _IN_CHANNEL.match(path)
    owner = who.membership.organization_id if who and who.membership else None
    try:
        if draft and owner:
            with acting_for(owner):
                drafts.find(owner, UUID(draft[2]))
            part = f"#{draft[3]}" if draft[3] in ("rules", "tests") else f"/{draft[3]}"
            return NextPage(draft[1] + part, "Go to draft")
        if channel and channel[2] == "organization" and owner:
            with acting_for(owner):
                channels.find(owner, UUID(channel[3]))
            return NextPage(channel[1], "Go to channel")
        if channel and channel[2] == "console" and who and who.is_operator:
            with acting_as_system():
                channels.find(None, UUID(channel[3]))
            return NextPage(channel[1], "Go to channel")
    except NotFound:
        pass
    return None
