"""Templates of what is said in an incident, with the facts filled in. Gaps are marked; none may be published."""

from datetime import datetime, timedelta

from core.formats import utc

GAP = "[…]"


def first_notice(component: str, *, since: datetime, seen: str) -> str:
    """When the next update is due follows from the impact, and is said by the page and the mail themselves."""
    return _lines(
        f"We are investigating a problem with the {component} that started on {utc(since)}.",
        f"Symptoms: {seen or GAP}",
        f"Impact: {GAP}",
        "Status: investigating. The cause is not known yet.",
    )


def progress() -> str:
    return _lines(
        f"Progress: {GAP}",
        f"Next steps: {GAP}",
        f"Expected resolution: {GAP}",
        f"What you can do: {GAP}",
    )


def all_clear(*, began_at: datetime, monitoring_from: datetime | None, now: datetime, review: str) -> str:
    """The six fields of the playbook."""
    watched = f", and we have monitored it since {utc(monitoring_from)}" if monitoring_from else ""
    minutes = int(((monitoring_from or now) - began_at).total_seconds() // 60)
    return _lines(
        f"Status: resolved. The service is operating normally{watched}.",
        f"What happened: {GAP}",
        f"Cause: {GAP}",
        f"Fix: {GAP}",
        f"Impact: from {utc(began_at)}, for {minutes} minutes: {GAP}",
        f"Post-mortem: within 24 hours at {review}",
    )


def slow_answers(component: str, *, since: datetime, seen: str, now: datetime) -> str:
    """The proactive notice: answers take longer than a second, nothing else is wrong."""
    return _lines(
        f"The {component} has been responding more slowly than usual since {utc(since)}.",
        f"Symptoms: {seen or GAP}",
        "No data is lost: every check is answered and recorded. If your client timeout is shorter than 5 seconds, "
        "raise it until this is resolved.",
        f"Next update by {utc(now + timedelta(hours=2))}.",
        f"We expect to resolve this by {utc(now + timedelta(hours=24))}.",
    )


def _lines(*lines: str) -> str:
    return "\n".join(lines)
