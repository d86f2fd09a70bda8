"""What the visitor can open: few entries in groups, with the pages of policies and of settings beneath theirs."""

import msgspec

from api.decisions import services as decisions
from api.keys.token import KeyEnvironment
from core.access import ROLES_OF, Audience, current_user_or_none
from core.accounts import OrganizationStatus
from core.db import acting_for
from core.sessions import ActiveMembership, CurrentUser


class Entry(msgspec.Struct, frozen=True):
    """A page, with the icon of Lucide that stands beside it."""

    path: str
    label: str
    icon: str = ""
    groups: "tuple[Group, ...]" = ()


class Group(msgspec.Struct, frozen=True):
    label: str
    entries: tuple[Entry, ...]


_START = Entry("/start", "Get started", "rocket")
_TRY_IT = Entry("/try-it", "Try it", "terminal")
_KEYS = Entry("/keys", "API keys", "key-round")
_POLICY_PAGES = (
    Group(
        "Policies",
        (
            Entry("/policies", "Active policies"),
            Entry("/policies/drafts", "Drafts"),
            Entry("/policies/presets", "Presets"),
            Entry("/policies/truth-map", "Truth map"),
            Entry("/policies/versions", "Version history"),
        ),
    ),
    Group(
        "Set up",
        (
            Entry("/policies/required-facts", "Required facts"),
            Entry("/policies/models", "Models"),
            Entry("/policies/fail-modes", "Fail modes"),
            Entry("/policies/publishing", "Publishing"),
            Entry("/policies/file", "Policy file"),
        ),
    ),
)
_POLICIES = Entry("/policies", "Policies", "shield-check", _POLICY_PAGES)
_MONITOR = Group(
    "Monitor",
    (Entry("/dashboard", "Dashboard", "layout-dashboard"), Entry("/decisions", "Decision log", "scroll-text")),
)
_PERSONAL = Group(
    "You",
    (Entry("/account/security", "Account security", "lock"), Entry("/organizations", "Organizations", "building-2")),
)
_SETTINGS = (
    Group(
        "Organization",
        (
            Entry("/organization", "Organization", "building-2"),
            Entry("/team", "Team", "users"),
            Entry("/organization/notifications", "Notifications", "bell"),
            Entry("/audit-trail", "Audit log", "history"),
        ),
    ),
    Group(
        "Plan and contract",
        (
            Entry("/plan", "Plan and usage", "credit-card"),
            Entry("/documents", "Documents", "file-text"),
            Entry("/application", "Approval", "file-check"),
            Entry("/checklist", "Go-live checklist", "list-checks"),
        ),
    ),
    _PERSONAL,
)
_HELP = (Entry("/docs", "Docs", "book-open"), Entry("/support", "Support", "life-buoy"))
_CONSOLE = (
    Group("Overview", (Entry("/console", "Now", "activity"),)),
    Group(
        "Customers",
        (
            Entry("/console/applications", "Approval requests", "inbox"),
            Entry("/console/organizations", "Organizations", "building-2"),
            Entry("/console/support", "Tickets", "life-buoy"),
            Entry("/console/figures", "Metrics", "chart-column"),
            Entry("/console/feedback", "Feedback", "gauge"),
        ),
    ),
    Group(
        "Reliability",
        (
            Entry("/console/incidents", "Incidents", "siren"),
            Entry("/console/launch", "Launch board", "rocket"),
            Entry("/console/notifications", "Notifications", "bell"),
            Entry("/console/mail", "Emails not sent", "mail"),
            Entry("/console/handbook", "Handbook", "book-open"),
        ),
    ),
    Group(
        "Legal",
        (
            Entry("/console/documents", "Documents", "file-text"),
            Entry("/console/sub-processors", "Sub-processors", "layers"),
            Entry("/console/audits", "Audits", "list-checks"),
            Entry("/console/processing-record", "Record of processing", "scroll-text"),
        ),
    ),
    Group("Money", (Entry("/console/billing", "Billing", "wallet"),)),
)
_AT_HOME = {
    "/console/breaches": "/console/incidents",
    "/console/maintenances": "/console/incidents",
    "/console/suspected-breaches": "/console/support",
}
"""Pages whose address does not say which entry they belong to."""
PATHS = frozenset(
    entry.path
    for group in (*_POLICY_PAGES, _MONITOR, *_SETTINGS, *_CONSOLE, Group("", (_START, _TRY_IT, _KEYS, *_HELP)))
    for entry in group.entries
)
"""Every page that a menu leads to."""
_CONSOLE_DOOR = Entry("/console", "Operator console", "wrench")
_PORTAL_DOOR = Entry("/dashboard", "Customer portal", "arrow-left")


def of_current_user(path: str) -> tuple[Group, ...]:
    who = current_user_or_none()
    if who is None:
        return ()
    if is_in_console(who, path):
        return _CONSOLE
    if who.membership is None:
        return (_PERSONAL,)
    return (
        Group("Build", _build(who.membership)),
        _MONITOR,
        Group("Settings", (Entry("/organization", "Settings", "settings", _SETTINGS),)),
    )


def beneath(path: str) -> tuple[Entry, ...]:
    """What stands at the foot of the menu."""
    who = current_user_or_none()
    if who is None:
        return ()
    doors = []
    if who.is_operator and who.membership is not None:
        doors = [_PORTAL_DOOR if is_in_console(who, path) else _CONSOLE_DOOR]
    return (*doors, *(_HELP if who.membership is not None else ()))


def every_page(who: CurrentUser) -> tuple[Entry, ...]:
    """All that this visitor can open from a menu, for the search."""
    groups: list[Group] = []
    if who.membership is not None:
        groups += [Group("", (_START, *_build(who.membership), *_HELP)), *_POLICY_PAGES, _MONITOR, *_SETTINGS]
    elif not who.is_operator:
        groups += [_PERSONAL]
    if who.is_operator:
        groups += [*_CONSOLE, _PERSONAL] if who.membership is None else _CONSOLE
    return tuple(dict.fromkeys(entry for group in groups for entry in group.entries))


def current_path(groups: tuple[Group, ...], below: tuple[Entry, ...], path: str) -> str:
    """The nearest page of the menu: /console/organizations, not /console."""
    deeper = [inner for group in groups for entry in group.entries for inner in entry.groups]
    entries = [*below, *(entry for group in (*groups, *deeper) for entry in group.entries)]
    path = next((home for start, home in _AT_HOME.items() if path.startswith(start)), path)
    near = [one.path for one in entries if f"{path}/".startswith(f"{one.path}/")]
    return max(near, key=len, default="")


def is_in_console(who: CurrentUser, path: str) -> bool:
    return who.is_operator and (who.membership is None or f"{path}/".startswith("/console/"))


def _build(membership: ActiveMembership) -> tuple[Entry, ...]:
    may_try = membership.role in ROLES_OF[Audience.DEVELOPER]
    start = () if _has_started(membership) else (_START,)
    return (*start, _KEYS, _POLICIES, *((_TRY_IT,) if may_try else ()))


def _has_started(membership: ActiveMembership) -> bool:
    if membership.status != OrganizationStatus.LIVE:
        return False
    with acting_for(membership.organization_id):
        return decisions.has_any(membership.organization_id, KeyEnvironment.LIVE)
