"""Everything that has to be so before a launch, and day by day after it. Imports no database.

`check` names what the running system looks at; where it is empty a named person confirms it, and `ask` says what.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Board(StrEnum):
    PRE_DEPLOYMENT = "pre_deployment"
    GO_NO_GO = "go_no_go"


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Lead(StrEnum):
    ENGINEERING = "engineering"
    OPERATIONS = "operations"
    LEGAL = "legal"
    PRODUCT = "product"


class Item(msgspec.Struct, frozen=True):
    code: str
    group: str
    words: str
    check: str = ""
    ask: str = ""

    @property
    def is_for_a_person(self) -> bool:
        return not self.check


_PRE_DEPLOYMENT = {
    "Secrets": (
        ("DATABASE_URL is set", "database_set"),
        ("REDIS_URL is set", "redis_set"),
        ("Operators are named people with a second factor", "operators_guarded"),
        ("SENTRY_DSN is set", "sentry_set"),
        ("No development secrets remain, and none are due for rotation", "secrets_rotated"),
    ),
    "Database": (
        ("The database is reachable and its version is supported", "database_answers"),
        ("All migrations are applied", "migrations_applied"),
        ("Every organization has policies", "policies_seeded"),
        ("Backups run every night and are kept", "backups_made"),
        ("The last backup was restored and compared", "restore_verified"),
    ),
    "HTTPS and domain": (
        ("The API responds over HTTPS", "https_api"),
        ("The portal responds over HTTPS, with HSTS", "https_portal"),
        ("The domain points to this service", "domain_resolves"),
        ("CORS lists exact origins only", "cors_exact"),
        ("The certificate is valid for at least two more weeks", "certificate_valid"),
    ),
    "Monitoring": (
        ("The error tracker accepts a test error", "sentry_takes_errors"),
        ("The dashboard is reachable", "grafana_reachable"),
        ("Alert rules for errors, latency and limits are loaded", "alerts_loaded"),
        ("The operators' chat receives alerts", "", "Send a test from Notifications and see it arrive in the channel."),
        ("An external uptime monitor is running", "", "Name the monitor that requests /health/ready from outside."),
    ),
    "Legal": (
        ("A lawyer has reviewed the DPA", "dpa_reviewed"),
        ("A lawyer has reviewed the Terms", "terms_reviewed"),
        ("The privacy policy states how long decisions are kept", "privacy_states_retention"),
        ("Every customer has signed the DPA and accepted the Terms", "customers_accepted"),
    ),
    "Support": (
        ("Someone reads the support mailbox", "", "Send an email from outside and see the ticket arrive."),
        ("Reply templates are available", "reply_templates"),
        ("An internal incident channel exists", "", "Name the channel and who is in it."),
        ("On-call is assigned for the next four weeks", "on_call_set"),
        ("The status page and its static copy are live", "status_page_live"),
    ),
    "Billing": (
        ("Stripe is configured with a test key or a live key", "stripe_set"),
        ("Prices, customer portal and webhook at Stripe match this version", "stripe_matches"),
        ("An invoice was created", "invoice_made"),
        ("A payment succeeded", "payment_made"),
        ("The plan pages work", "plan_pages"),
    ),
    "Performance": (
        ("1,000 requests per second were sustained for five minutes", "load_held"),
        ("95% of responses arrived within 500 ms", "load_p95"),
        ("Fewer than 1% of requests failed", "load_errors"),
        ("The rate limit allows 100 requests and refuses the next", "limit_exact"),
    ),
    "Security": (
        ("No dependency has a known vulnerability", "dependencies_audited"),
        ("Vendored browser files are the reviewed ones", "vendored_unchanged"),
        ("Hostile input in filters changes no query", "filters_hold"),
        ("Hostile input on pages is escaped, and only our own scripts run", "pages_hold"),
        ("Other websites get no response from the API", "cors_refuses"),
    ),
    "Customer": (
        ("Every customer was sent the portal link", "portal_link_sent"),
        ("Every customer has a live key", "live_key_made"),
        ("Customers have the support address", "support_address_given"),
        ("Customers have the on-call number", "on_call_number_given"),
        ("A first call of 30 minutes is scheduled", "", "Name the customer, the day and who takes part."),
    ),
}

_GO_NO_GO = {
    "Infrastructure": (
        ("The readiness check responds within 200 ms", "ready_quickly"),
        ("The portal loads", "portal_opens"),
        ("The database is reachable with all migrations applied", "migrations_applied"),
        ("Redis works", "redis_answers"),
        ("Backups run, and a restore has succeeded", "restore_verified"),
    ),
    "Security": (
        ("No dependency has a known vulnerability", "dependencies_audited"),
        ("Vendored browser files are the reviewed ones", "vendored_unchanged"),
        ("The certificate is valid", "certificate_valid"),
        ("CORS is not open to every origin", "cors_exact"),
        ("Operators are named people with a second factor", "operators_guarded"),
    ),
    "Monitoring": (
        ("A test error reached the error tracker", "sentry_takes_errors"),
        ("Metrics are collected", "metrics_collected"),
        ("The dashboard shows data", "dashboard_has_data"),
        ("Alerts reach us", "alerts_arrive"),
        ("The status page shows that everything works", "status_page_green"),
    ),
    "Legal": (
        ("A lawyer has reviewed the DPA", "dpa_reviewed"),
        ("A lawyer has reviewed the Terms", "terms_reviewed"),
        ("Every customer has signed the DPA", "customers_accepted"),
        ("The privacy policy states how long decisions are kept", "privacy_states_retention"),
    ),
    "Operations": (
        ("Someone reads the support mailbox", "", "Send an email from outside and see the ticket arrive."),
        ("The internal channel works", "", "Post a message in it and note who replied."),
        ("On-call is assigned for the next four weeks", "on_call_set"),
        ("The handbook is available", "handbook_present"),
        ("Every customer has two contacts", "contacts_confirmed"),
    ),
    "Performance": (
        ("1,000 requests per second for five minutes: 95% within 500 ms, under 1% failed", "load_passed"),
        ("After 100 requests in 60 seconds, the next gets 429", "limit_exact"),
        ("Half of the responses within 200 ms, 95% within 500 ms", "latency_met"),
    ),
}

_ROUTINE = {
    Period.DAY: (
        ("The status page shows that everything works", "status_page_green"),
        ("New errors in the error tracker were reviewed", "", "Note what was new, and what happens next."),
        ("The dashboard was reviewed", "", "Note what stood out, or that nothing did."),
        ("Overnight alerts were reviewed", "", "Note which alerts fired, and what was done."),
        ("No ticket is overdue", "no_request_late"),
        ("The readiness check passes", "ready_quickly"),
        ("The portal loads", "portal_opens"),
    ),
    Period.WEEK: (
        ("No ticket has waited for a week", "no_request_stale"),
        ("Backups ran", "backups_made"),
        ("Latency, error and volume trends were reviewed", "", "Note what changed since last week."),
        ("Security alerts were reviewed", "", "Note what came in, and what was done."),
        ("This week's incidents were summarized", "", "Note how many there were, and what was learned."),
        ("On-call is assigned for next week", "on_call_next_week"),
    ),
    Period.MONTH: (
        ("No dependency has a known vulnerability", "dependencies_audited"),
        (
            "Patches of the underlying systems were applied",
            "",
            "Note which and when. Security patches within 48 hours.",
        ),
        ("Database growth is known", "database_size"),
        ("A backup was restored and compared", "restore_verified"),
        ("Support SLAs were reviewed", "", "Note what was missed, and why."),
        ("Customers were asked for feedback", "", "Note who was asked, and what they said."),
        ("The handbook was updated", "", "Note what was changed."),
        ("Secrets were rotated", "secrets_rotated"),
    ),
}


def _items(prefix: str, groups: Mapping[str, tuple[tuple[str, ...], ...]]) -> tuple[Item, ...]:
    """Numbered through, in order."""
    lines = [(group, line) for group, some in groups.items() for line in some]
    return tuple(Item(f"{prefix}-{number:02}", group, *line) for number, (group, line) in enumerate(lines, start=1))


BOARDS = {
    Board.PRE_DEPLOYMENT: _items("PDC", _PRE_DEPLOYMENT),
    Board.GO_NO_GO: _items("GNG", _GO_NO_GO),
}
ROUTINES = {period: _items(period.name, {period.value: lines}) for period, lines in _ROUTINE.items()}
BOARD_TITLES = {Board.PRE_DEPLOYMENT: "Before deployment", Board.GO_NO_GO: "Go or no go"}
PERIOD_TITLES = {Period.DAY: "Today", Period.WEEK: "This week", Period.MONTH: "This month"}


def every_item() -> dict[str, Item]:
    groups = (*BOARDS.values(), *ROUTINES.values())
    return {item.code: item for items in groups for item in items}


def every_check() -> list[str]:
    """The checks that some item needs, each once, in order."""
    return list(dict.fromkeys(item.check for item in every_item().values() if item.check))
