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
        ("No secret is left from development, and none is due for rotation", "secrets_rotated"),
    ),
    "Database": (
        ("The database answers and is new enough", "database_answers"),
        ("All migrations are applied", "migrations_applied"),
        ("Every organization has policies", "policies_seeded"),
        ("A backup is made every night and kept", "backups_made"),
        ("The last backup was restored and compared", "restore_verified"),
    ),
    "HTTPS and domain": (
        ("The API answers over HTTPS", "https_api"),
        ("The portal answers over HTTPS, with HSTS", "https_portal"),
        ("The domain leads to us", "domain_resolves"),
        ("CORS names exact origins", "cors_exact"),
        ("The certificate is valid for at least two weeks more", "certificate_valid"),
    ),
    "Monitoring": (
        ("The error tracker takes a test error", "sentry_takes_errors"),
        ("The dashboard is reachable", "grafana_reachable"),
        ("Alert rules for errors, latency and limits are loaded", "alerts_loaded"),
        ("The operators' chat receives alerts", "", "Send a test from Notifications and see it arrive in the channel."),
        ("An uptime monitor outside of us runs", "", "Name the monitor that asks /health/ready from outside."),
    ),
    "Legal": (
        ("A lawyer has reviewed the DPA", "dpa_reviewed"),
        ("A lawyer has reviewed the Terms", "terms_reviewed"),
        ("The privacy policy states how long decisions are kept", "privacy_states_retention"),
        ("Every customer has signed the DPA and accepted the Terms", "customers_accepted"),
    ),
    "Support": (
        ("The mailbox for support is read", "", "Write to it from outside and see the request arrive."),
        ("Templates for answers are there", "reply_templates"),
        ("An internal channel for incidents is there", "", "Name the channel and who is in it."),
        ("Who is on call is set for the next four weeks", "on_call_set"),
        ("The status page is live, also as files", "status_page_live"),
    ),
    "Billing": (
        ("Stripe is set, with a key for tests or for real", "stripe_set"),
        ("Prices, portal and webhook at Stripe are as they should be", "stripe_matches"),
        ("An invoice was made", "invoice_made"),
        ("A payment went through", "payment_made"),
        ("The pages for plans work", "plan_pages"),
    ),
    "Performance": (
        ("1,000 requests a second were held for five minutes", "load_held"),
        ("95 of 100 answers came within 500 ms", "load_p95"),
        ("Fewer than 1 of 100 failed", "load_errors"),
        ("The limit lets 100 pass and refuses the next", "limit_exact"),
    ),
    "Security": (
        ("No dependency has a known hole", "dependencies_audited"),
        ("What is vendored for the browser is what was reviewed", "vendored_unchanged"),
        ("Hostile text in filters changes no query", "filters_hold"),
        ("Hostile text on pages stays text, and scripts come from us alone", "pages_hold"),
        ("Pages of strangers get no answer of the API", "cors_refuses"),
    ),
    "Customer": (
        ("Every customer was sent the link to the portal", "portal_link_sent"),
        ("Every customer has a live key", "live_key_made"),
        ("The address for support was given", "support_address_given"),
        ("The number of whoever is on call was given", "on_call_number_given"),
        ("A first call of 30 minutes is booked", "", "Name the customer, the day and who takes part."),
    ),
}

_GO_NO_GO = {
    "Infrastructure": (
        ("The service says within 200 ms that it is ready", "ready_quickly"),
        ("The portal opens", "portal_opens"),
        ("The database answers with all migrations", "migrations_applied"),
        ("Redis works", "redis_answers"),
        ("Backups are made, and a restore has succeeded", "restore_verified"),
    ),
    "Security": (
        ("No dependency has a known hole", "dependencies_audited"),
        ("What is vendored for the browser is what was reviewed", "vendored_unchanged"),
        ("The certificate is valid", "certificate_valid"),
        ("CORS is not open to everybody", "cors_exact"),
        ("Operators are named people with a second factor", "operators_guarded"),
    ),
    "Monitoring": (
        ("A test error reached the tracker", "sentry_takes_errors"),
        ("Metrics are collected", "metrics_collected"),
        ("The dashboard shows data", "dashboard_has_data"),
        ("Alerts reach us", "alerts_arrive"),
        ("The status page shows that all works", "status_page_green"),
    ),
    "Legal": (
        ("A lawyer has reviewed the DPA", "dpa_reviewed"),
        ("A lawyer has reviewed the Terms", "terms_reviewed"),
        ("Every customer has signed the DPA", "customers_accepted"),
        ("The privacy policy states how long decisions are kept", "privacy_states_retention"),
    ),
    "Operations": (
        ("The mailbox for support is read", "", "Write to it from outside and see the request arrive."),
        ("The internal channel works", "", "Name the channel and who is in it."),
        ("Who is on call is set for the next four weeks", "on_call_set"),
        ("The handbook is at hand", "handbook_present"),
        ("Every customer has two people to write to", "contacts_confirmed"),
    ),
    "Performance": (
        ("1,000 requests a second for five minutes, 95 of 100 within 500 ms, under 1 % failed", "load_passed"),
        ("After 100 requests in 60 s the next gets 429", "limit_exact"),
        ("Half of the answers within 200 ms, 95 of 100 within 500 ms", "latency_met"),
    ),
}

_ROUTINE = {
    Period.DAY: (
        ("The status page shows that all works", "status_page_green"),
        ("New errors in the tracker were looked at", "", "What was new, and what becomes of it."),
        ("The dashboard was looked at", "", "What stood out, or that nothing did."),
        ("Alerts of the night were looked at", "", "Which came, and what was done."),
        ("No request is late", "no_request_late"),
        ("The service says that it is ready", "ready_quickly"),
        ("The portal opens", "portal_opens"),
    ),
    Period.WEEK: (
        ("No request lies untouched for a week", "no_request_stale"),
        ("Backups were made", "backups_made"),
        ("Trends of latency, errors and volume were looked at", "", "What moved since last week."),
        ("Security alerts were looked at", "", "What came in, and what was done."),
        ("Incidents of the week were summed up", "", "How many, and what was learned."),
        ("Who is on call next week is set", "on_call_next_week"),
    ),
    Period.MONTH: (
        ("No dependency has a known hole", "dependencies_audited"),
        ("Patches of the systems beneath were applied", "", "Which, and when. Security patches within 48 hours."),
        ("The growth of the database is known", "database_size"),
        ("A backup was restored and compared", "restore_verified"),
        ("Promises of support were reviewed", "", "What was missed, and why."),
        ("Customers were asked how it goes", "", "Whom, and what they said."),
        ("The handbook was brought up to date", "", "What was changed."),
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
BOARD_TITLES = {Board.PRE_DEPLOYMENT: "Before the deployment", Board.GO_NO_GO: "Go or no go"}
PERIOD_TITLES = {Period.DAY: "Today", Period.WEEK: "This week", Period.MONTH: "This month"}


def every_item() -> dict[str, Item]:
    groups = (*BOARDS.values(), *ROUTINES.values())
    return {item.code: item for items in groups for item in items}


def every_check() -> list[str]:
    """The checks that some item needs, each once, in order."""
    return list(dict.fromkeys(item.check for item in every_item().values() if item.check))
