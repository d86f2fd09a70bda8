"""What the visitor can open, in groups."""

from core.access import ROLES_OF, Audience, current_user_or_none

_START = ("/start", "Get started")
_OVERVIEW = ("/dashboard", "Dashboard")
_CHECKLIST = ("/checklist", "Go-live checklist")
_BUILD = (("/keys", "API keys"), ("/try-it", "Try it"), ("/policies", "Policies"), ("/decisions", "Decision log"))
_ORGANIZATION = (
    ("/documents", "Documents"),
    ("/application", "Application"),
    ("/team", "Team"),
    ("/organization", "Organization"),
    ("/organization/notifications", "Notifications"),
    ("/plan", "Plan and usage"),
    ("/audit-trail", "Audit log"),
)
_HELP = (("/help", "Help"), ("/support", "Support"))
_CONSOLE = (
    ("/console", "Applications"),
    ("/console/figures", "Metrics"),
    ("/console/launch", "Launch board"),
    ("/console/support", "Tickets"),
    ("/console/organizations", "Organizations"),
    ("/console/billing", "Billing"),
    ("/console/incidents", "Incidents"),
    ("/console/documents", "Documents"),
    ("/console/sub-processors", "Sub-processors"),
    ("/console/notifications", "Notifications"),
    ("/console/mail", "Emails not sent"),
    ("/console/handbook", "Handbook"),
)

Group = tuple[str, list[tuple[str, str]]]


def of_visitor() -> list[Group]:
    who = current_user_or_none()
    if who is None:
        return []
    groups: list[Group] = []
    if who.membership is not None:
        groups.append(("Overview", [_START, _OVERVIEW, _CHECKLIST]))
        may_try = who.membership.role in ROLES_OF[Audience.DEVELOPER]
        groups.append(("Build", [link for link in _BUILD if may_try or link[0] != "/try-it"]))
        groups.append(("Organization", list(_ORGANIZATION)))
        groups.append(("Help", list(_HELP)))
    if who.is_operator:
        groups.append(("Console", list(_CONSOLE)))
    groups.append(("Account", [("/account/security", "Account security"), ("/organizations", "Organizations")]))
    return groups
