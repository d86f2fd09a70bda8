"""What has to be done when, counted from the first Monday of the plan or from a customer's go-live. No database."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from portal.console.launch.items import Lead

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_END_OF_WORK = timedelta(hours=17)
WATCH_EVERY = timedelta(hours=2)
WATCH_FOR = timedelta(hours=24)
_DAYS_WATCHED_DAILY = range(2, 8)
_DAYS_WATCHED_WEEKLY = (14, 21, 28)
_DAYS_WATCHED_MONTHLY = (60, 90, 120, 150, 180)


class Task(msgspec.Struct, frozen=True):
    """`after` the start it is due; `reminded_before` that its owner gets an email."""

    code: str
    group: str
    owner: Lead
    words: str
    done_when: str
    after: timedelta
    reminded_before: timedelta

    def due_at(self, starts_at: datetime) -> datetime:
        return starts_at + self.after

    def reminded_at(self, starts_at: datetime) -> datetime:
        return self.due_at(starts_at) - self.reminded_before


_ENGINEERING, _OPERATIONS, _LEGAL, _PRODUCT = Lead.ENGINEERING, Lead.OPERATIONS, Lead.LEGAL, Lead.PRODUCT
_WEEKS = {
    "Week 1: infrastructure": (
        (0, _ENGINEERING, "Database in the EU, storage and key for backups", "A first backup is created and verified"),
        (1, _ENGINEERING, "Redis; hosting for web, worker and disk", "/health/ready responds over the private address"),
        (
            2,
            _ENGINEERING,
            "Settings and secrets, migrations, operators with a second factor",
            "It starts in production",
        ),
        (3, _ENGINEERING, "Domain and certificate", "The items about HTTPS are green"),
        (4, _ENGINEERING, "Load test", "The items about performance are green"),
    ),
    "Week 2: legal, support, monitoring, billing": (
        (0, _LEGAL, "DPA and register of sub-processors", "Reviewed and published"),
        (1, _LEGAL, "Terms and privacy policy", "Reviewed and published"),
        (
            2,
            _OPERATIONS,
            "Mailboxes, inbound email, channels, on-call weeks, static status page",
            "A test reaches each",
        ),
        (3, _OPERATIONS, "Prometheus, Alertmanager, Grafana, external monitor, Sentry", "Monitoring items are green"),
        (4, _ENGINEERING, "Dependency audit; drills for incident, breach and restore", "The security items are green"),
        (4, _PRODUCT, "A plan in Stripe's test mode, paid once", "The items about billing are green"),
    ),
    "Week 3: the first customer": (
        (
            0,
            _PRODUCT,
            "The customer signs up, accepts Terms and DPA, requests approval",
            "The request is in the console",
        ),
        (1, _PRODUCT, "Approve it; the welcome email is sent automatically", "It is in their mailbox"),
        (2, _PRODUCT, "First call, 30 minutes", "Date, names and questions are noted"),
        (3, _OPERATIONS, "Walk the whole way: empty account, key, check, log, 101 requests, 429", "flask smoke passes"),
        (4, _PRODUCT, "Ask what was hard", "The first check-in is recorded"),
    ),
    "Week 4: live": (
        (0, _OPERATIONS, "Run the launch board and fix what is red", "Only confirmations remain"),
        (1, _PRODUCT, "All four leads confirm, sign and decide", "GO is on record"),
        (2, _OPERATIONS, "Go-live: the watch list of the customer", "Its tasks of the day are done"),
        (3, _PRODUCT, "Call the customer the day after", "The check-in is recorded"),
        (4, _PRODUCT, "What was learned, for the next customer", "The handbook is changed"),
    ),
}
_LOOK = "errors, latency (p95), limits, requests and email of the customer"
_NOTED = "Your observations are recorded"


def _plan() -> Iterator[Task]:
    lines = [(week, group, line) for week, (group, lines) in enumerate(_WEEKS.items()) for line in lines]
    for number, (week, group, (day, owner, words, done_when)) in enumerate(lines, start=1):
        after = timedelta(weeks=week, days=day) + _END_OF_WORK
        yield Task(f"PLAN-{number:02}", group, owner, words, done_when, after, 8 * _HOUR)


def _watch() -> Iterator[tuple[str, Lead, str, str, timedelta]]:
    yield "Before", _PRODUCT, "Confirm day and names with the customer", "They confirmed", -7 * _DAY
    prepared = "Preflight is green; smoke test passes; a backup was created; no deployment is planned today"
    yield "Before", _ENGINEERING, "Two hours before: verify", prepared, -2 * _HOUR
    yield (
        "The day",
        _PRODUCT,
        "The customer starts using their live key",
        "Their first live check is in the log",
        0 * _HOUR,
    )
    for count in range(1, WATCH_FOR // WATCH_EVERY + 1):
        after = count * WATCH_EVERY
        yield "The day", _OPERATIONS, f"Hour {after // _HOUR}: {_LOOK}", _NOTED, after
    yield "The day", _PRODUCT, "Call the customer, 24 hours after", "The check-in is recorded", WATCH_FOR + _HOUR
    for day in _DAYS_WATCHED_DAILY:
        yield "Daily", _OPERATIONS, f"Day {day}: {_LOOK}", _NOTED, day * _DAY
    for day in _DAYS_WATCHED_WEEKLY:
        yield "Weekly", _OPERATIONS, f"Week {day // 7}: {_LOOK}", _NOTED, day * _DAY
    for day in _DAYS_WATCHED_MONTHLY:
        yield "Monthly", _PRODUCT, f"Month {day // 30}: usage, requests and satisfaction", _NOTED, day * _DAY


PLAN = tuple(_plan())
WATCH = tuple(Task(f"WATCH-{number:02}", *task, 0 * _HOUR) for number, task in enumerate(_watch(), start=1))
_BY_CODE = {task.code: task for task in (*PLAN, *WATCH)}


def task_of(code: str) -> Task | None:
    return _BY_CODE.get(code)
