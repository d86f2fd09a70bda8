"""The list above each page: where its back link leads, and where a page leads that was not found."""

import re
from collections.abc import Mapping
from uuid import UUID

import msgspec
from flask import current_app, request, url_for

from api.policies.drafts import services as drafts
from core.access import current_user_or_none
from core.db import acting_as_system, acting_for
from core.errors import NotFound
from core.sessions import CurrentUser
from portal import menu
from portal.notifications import channels


class Parent(msgspec.Struct, frozen=True):
    """`name` goes on "Back to" and "Go to"."""

    path: str
    name: str


class NextPage(msgspec.Struct, frozen=True):
    path: str
    label: str


def _lists(by_path: Mapping[str, str | Parent]) -> dict[str, Parent]:
    """By where the addresses below them begin; most are at that very address, and need a name alone."""
    return {start: Parent(start, one) if isinstance(one, str) else one for start, one in by_path.items()}


_OF_EVERYBODY = _lists(
    {
        "/docs": "docs",
        "/docs/api": "API reference",
        "/docs/problems": "error codes",
        "/feedback": Parent("/support", "support"),
        "/legal": "legal documents",
        "/status": "status page",
        "/status/incidents": Parent("/status/history", "status history"),
        "/survey": Parent("/support", "support"),
    }
)
_OF_MEMBERS = _lists(
    {
        "/account": Parent("/account/security", "account security"),
        "/checklist": "go-live checklist",
        "/decisions": "decision log",
        "/decisions/views": "saved views",
        "/documents": "documents",
        "/documents/audits": "audits",
        "/help/checks": "troubleshooting",
        "/keys": "API keys",
        "/legal/acceptances": Parent("/documents", "documents"),
        "/organization": "organization",
        "/organization/notifications": "notifications",
        "/plan": "plan and usage",
        "/plan/invoices": "invoices",
        "/policies": "policies",
        "/policies/drafts": "drafts",
        "/policies/fail-modes": "fail modes",
        "/policies/models": "models",
        "/policies/presets": "presets",
        "/policies/required-facts": "required facts",
        "/policies/rules": Parent("/policies#rules", "custom rules"),
        "/policies/tests": Parent("/decisions", "decision log"),
        "/policies/versions": "version history",
        "/start/first-check": Parent("/keys", "API keys"),
        "/support": "support requests",
        "/team": "team",
    }
)
_OF_OPERATORS = _lists(
    {
        "/console/applications": "approval requests",
        "/console/audits": "audits",
        "/console/billing": "billing",
        "/console/breaches": "breach register",
        "/console/documents": "documents",
        "/console/feedback": "feedback",
        "/console/handbook": "handbook",
        "/console/incidents": "incidents",
        "/console/launch": "launch board",
        "/console/launch/watch": "watch lists",
        "/console/mail": "emails not sent",
        "/console/maintenances": Parent("/console/incidents", "incidents"),
        "/console/notifications": "notifications",
        "/console/organizations": "organizations",
        "/console/sub-processors": "sub-processors",
        "/console/support": "tickets",
        "/console/support/email": "email quarantine",
        "/console/suspected-breaches": "suspected breaches",
    }
)
_ELSEWHERE = {"/console/breaches": "/console/incidents", "/console/suspected-breaches": "/console/support"}
"""Lists whose address does not say what is above them."""
_PAGES_OF_FORMS = {"payment.set_details": "payment.invoices"}
"""Of forms whose page neither their name nor their address tells."""
_TABS = frozenset({"/decisions/refused"})
_LINKS = {
    "/change-address": NextPage("/account/security", "Go to account security"),
    "/confirm": NextPage("/log-in", "Log in"),
    "/reset-password": NextPage("/forgotten-password", "Request a new link"),
    "/status/subscriptions": NextPage("/status/subscribe", "Subscribe to updates"),
    "/status/unsubscribe": NextPage("/status/subscribe", "Subscribe to updates"),
}
"""From links of emails that no longer work."""
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IN_DRAFT = re.compile(rf"(/policies/drafts/({_ID}))/([a-z-]+)(/?)")
_IN_CHANNEL = re.compile(rf"(/(?:organization|console)/notifications/({_ID}))/deliveries/")
_OF_A_DRAFT = {
    place.removeprefix("/policies/"): _OF_MEMBERS[place].name
    for place in ("/policies/fail-modes", "/policies/models", "/policies/required-facts")
}


def shown_path() -> str:
    """Where the page is that is shown: a refused form shows its page again, at the address that it was sent to."""
    if request.method != "POST":
        return request.path
    blueprint, _, view = (request.endpoint or "").rpartition(".")
    page = _PAGES_OF_FORMS.get(f"{blueprint}.{view}", f"{blueprint}.{view.replace('create', 'new')}")
    if page != request.endpoint and page in current_app.view_functions:
        return url_for(page, **(request.view_args or {}))
    return _nearest_page(request.path)


def parent_of(path: str) -> Parent | None:
    """None for pages that the menu has, and for those that no list is above."""
    who = current_user_or_none()
    return None if who is None or path in menu.PATHS or path in _TABS else _above(who, path)


def next_page(path: str) -> NextPage | None:
    """From a page that was not found, or that is gone. None where no list is nearer than the first page."""
    who = current_user_or_none()
    if link := next((link for start, link in _LINKS.items() if path.startswith(f"{start}/")), None):
        return link
    found = _list(who, path) if who is None or not _is_within(who, path) else _above(who, path)
    if found is not None:
        return NextPage(found.path, f"Go to {found.name}")
    if who and who.is_operator and path.startswith("/console/"):
        return NextPage("/console", "Go to console")
    return None


def _above(who: CurrentUser, path: str) -> Parent | None:
    if channel := _IN_CHANNEL.match(path):
        return Parent(channel[1], "channel")
    if not (draft := _IN_DRAFT.match(path)):
        return _list(who, path)
    place, _, part, is_deep = draft.groups()
    if part in _OF_A_DRAFT and is_deep:
        return Parent(f"{place}/{part}", f"{_OF_A_DRAFT[part]} of draft")
    return Parent(f"{place}#{part}" if part in ("rules", "tests") else place, "draft")


def _nearest_page(path: str) -> str:
    addresses = current_app.create_url_adapter(request)
    while addresses and path and not addresses.test(path, "GET"):
        path = path.rpartition("/")[0]
    return path


def _list(who: CurrentUser | None, path: str) -> Parent | None:
    known = dict(_OF_EVERYBODY)
    if who and who.membership:
        known |= _OF_MEMBERS
    if who and who.is_operator:
        known |= _OF_OPERATORS
    if path in _ELSEWHERE:
        return known.get(_ELSEWHERE[path])
    near = [start for start, found in known.items() if path.startswith(f"{start}/") and path != found.path]
    return known[max(near, key=len)] if near else None


def _is_within(who: CurrentUser, path: str) -> bool:
    """Whether the draft is there whose rule is missing, or the channel whose delivery is."""
    draft, channel = _IN_DRAFT.match(path), _IN_CHANNEL.match(path)
    owner = who.membership.organization_id if who.membership else None
    try:
        if channel and path.startswith("/console/") and who.is_operator:
            with acting_as_system():
                return bool(channels.find(None, UUID(channel[2])))
        if owner and (draft or channel):
            with acting_for(owner):
                if draft:
                    return bool(drafts.find(owner, UUID(draft[2])))
                return channel is not None and bool(channels.find(owner, UUID(channel[2])))
    except NotFound:
        pass
    return False
