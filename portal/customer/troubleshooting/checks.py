"""The five most common problems as checks of the organization's own state. Each says what it found and what to do."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from api.authentication import why_refused
from api.decisions import services as decisions
from api.decisions import statistics
from api.decisions.schema import DecisionFilter
from api.keys import lookup
from api.keys.models import ApiKey
from api.keys.token import KeyEnvironment, is_well_formed
from api.limits.window import limit_of
from api.runtime import Runtime
from api.v1.health import components
from core.accounts import Organization, OrganizationStatus
from core.db import acting_as_system
from core.formats import counted, utc
from core.members import Role
from core.tokens import digest_of
from portal.customer.decisions.labels import reason_label
from portal.customer.keys.overview import line_of
from portal.status import incidents

LOOKED_BACK = timedelta(days=7)
_KEY = re.compile(r"aig_(?:live|test)_[0-9A-Za-z]+", re.ASCII)
_NEARLY_FULL = 0.8


class Tone(StrEnum):
    GOOD = "good"
    BAD = "bad"
    HINT = "warn"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. `path` leads to where it can be changed."""

    tone: Tone
    words: str
    path: str = ""
    label: str = ""


class Situation(msgspec.Struct, frozen=True):
    """What a check looks at: the organization, who asks, and what they gave."""

    organization: Organization
    role: Role
    room: Runtime
    now: datetime
    key_id: UUID | None = None
    header: str = ""
    decision_id: str = ""


def page_does_not_load(situation: Situation) -> list[Finding]:
    found = [Finding(Tone.GOOD, "This page loaded, so the portal is working.")]
    incidents = _open_incidents()
    found += incidents
    failing = [name.replace("_", " ") for name, works in components(situation.room).items() if not works]
    if failing:
        words = f"These parts of the service are not working: {', '.join(failing)}. We have been alerted."
        found.append(Finding(Tone.BAD, words, "/status", "Status"))
    elif not incidents:
        found.append(Finding(Tone.GOOD, "The components that serve this page are working."))
    if situation.organization.status not in {OrganizationStatus.SANDBOX, OrganizationStatus.LIVE}:
        words = f"Your organization is {situation.organization.status}: you can view pages but can't change anything."
        found.append(Finding(Tone.BAD, words, "/organization", "View details"))
    if situation.role is Role.VIEWER:
        found.append(
            Finding(
                Tone.HINT, "Your role is Viewer: you can view everything but can't change anything.", "/team", "Team"
            )
        )
    return [
        *found,
        Finding(Tone.HINT, "Try a private window or another browser: an extension may block the page."),
        Finding(Tone.HINT, "Check that the URL matches the one in our emails. Your bookmark may be outdated."),
    ]


def _open_incidents() -> list[Finding]:
    with acting_as_system():
        return [
            Finding(
                Tone.BAD, f"There is an open incident: {one.title}.", f"/status/incidents/{one.id}", "View incident"
            )
            for one in incidents.every_open()
        ]


def key_does_not_work(situation: Situation) -> list[Finding]:
    found = _header_findings(situation) if situation.header else []
    organization_id = situation.organization.id
    if not lookup.list_page(organization_id, environment=None, after=None, size=1):
        return [*found, Finding(Tone.BAD, "Your organization has no API keys yet.", "/keys/new", "Create API key")]
    chosen = lookup.find_or_none(organization_id, situation.key_id) if situation.key_id else None
    if chosen is not None:
        found += _key_findings(chosen, situation)
    if chosen is None and not situation.header:
        found.append(Finding(Tone.HINT, "Choose a key above, or paste the header your code sends."))
    return found


def limited_too_soon(situation: Situation) -> list[Finding]:
    """What each key asked in its fullest minute of the week, beside what it may ask."""
    is_sandbox = situation.organization.status == OrganizationStatus.SANDBOX
    found = []
    for environment in KeyEnvironment:
        for busiest in statistics.busiest_minutes(
            situation.organization.id,
            environment=environment.value,
            since=situation.now - LOOKED_BACK,
            to=situation.now,
        ):
            limit = limit_of(busiest.rate_limit, situation.organization.check_limit, is_sandbox=is_sandbox)
            found.append(_limit_finding(busiest, limit))
    if not found:
        found.append(Finding(Tone.GOOD, "No API key was used in the last seven days, so none came close to its limit."))
    return [
        *found,
        Finding(
            Tone.HINT,
            "When you receive a 429, wait for the time in Retry-After. If it fails again, wait 1, 2, then 4 seconds.",
        ),
        Finding(
            Tone.HINT,
            "Parallel checks each count as one request. Use a separate key for each service to get separate limits.",
        ),
        Finding(Tone.HINT, "A key can have its own limit, up to the limit of your plan.", "/plan", "View plan"),
    ]


def blocked_wrongly(situation: Situation) -> list[Finding]:
    since, organization_id = situation.now - LOOKED_BACK, situation.organization.id
    found = []
    if situation.decision_id:
        decision = decisions.find(organization_id, situation.decision_id)
        words = f"This decision has a risk score of {decision.risk_score}. Reason: {reason_label(decision.reason)}."
        found.append(Finding(Tone.HINT, words, f"/decisions/{situation.decision_id}", "View decision"))
    for environment in KeyEnvironment:
        for top in statistics.top_reasons(
            organization_id, environment=environment.value, since=since, to=situation.now
        ):
            reason = reason_label(top.reason)
            words = f"Blocked in the last seven days, {environment}: {top.decisions:,}. Reason: {reason}."
            path = f"/decisions?allowed=false&environment={environment}&reason={top.reason}"
            found.append(Finding(Tone.HINT, words, path, "View decisions"))
    if not found:
        found.append(Finding(Tone.GOOD, "Nothing was blocked in the last seven days."))
    rejected = "A request with a forbidden field, such as prompt or text, gets an error instead of a decision."
    return [
        *found,
        Finding(Tone.HINT, "Before you publish a policy change, you can preview its impact.", "/policies", "Policies"),
        Finding(Tone.HINT, rejected, "/decisions/refused", "View rejected requests"),
    ]


def log_is_empty(situation: Situation) -> list[Finding]:
    organization = situation.organization
    found = []
    for environment in KeyEnvironment:
        newest = decisions.list_page(
            organization.id,
            DecisionFilter(environment=environment),
            subject_secret=organization.subject_secret,
            after=None,
            size=1,
        )
        words = f"The latest {environment} decision was made on {utc(newest[0].decided_at)}." if newest else ""
        path = f"/decisions?environment={environment}"
        found.append(
            Finding(Tone.GOOD, words, path, "Open decision log")
            if newest
            else Finding(Tone.HINT, f"There are no {environment} decisions.", path, "Open decision log")
        )
    waiting_bytes = situation.room.spool.size_bytes
    if waiting_bytes:
        found.append(Finding(Tone.HINT, "Some recent decisions are still being stored; they appear within minutes."))
    kept = f"Decisions older than {organization.retention_days} days are deleted daily, as set in your log retention."
    return [
        *found,
        Finding(Tone.HINT, kept, "/organization/retention", "Log retention"),
        Finding(Tone.HINT, "An active filter may hide decisions.", "/decisions", "Clear filters"),
    ]


class Check(msgspec.Struct, frozen=True):
    """`asks` names what the reader may tell: key, header, decision."""

    title: str
    lead: str
    look: Callable[[Situation], list[Finding]]
    asks: tuple[str, ...] = ()


CHECKS = {
    "page": Check("A page does not load", "Is it the portal, your role or your browser?", page_does_not_load),
    "key": Check(
        "An API key does not work",
        "Checks its format, its status and how you send it.",
        key_does_not_work,
        asks=("key", "header"),
    ),
    "limit": Check("Requests hit the rate limit", "Shows the peak usage of each key.", limited_too_soon),
    "blocked": Check(
        "A request was blocked unexpectedly",
        "Shows what was blocked, why and how often.",
        blocked_wrongly,
        asks=("decision",),
    ),
    "log": Check("A decision is missing from the log", "Shows what is stored, and for how long.", log_is_empty),
}


def _header_findings(situation: Situation) -> list[Finding]:
    """What the reader pasted is looked at and forgotten; it may hold a whole key."""
    value = situation.header.strip().removeprefix("Authorization:").strip()
    found = []
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "bearer":
        found.append(Finding(Tone.BAD, "The header must start with the word Bearer and a space."))
    key = _KEY.search(rest or value)
    if key is None:
        found.append(Finding(Tone.BAD, "The header contains no API key. Keys start with aig_live_ or aig_test_."))
    elif not is_well_formed(key[0]):
        words = "The key is not valid: a character is missing, wrong or extra. Copy it again, or create a new key."
        found.append(Finding(Tone.BAD, words))
    else:
        found.append(Finding(Tone.GOOD, "The format of the key is correct. We did not store what you pasted."))
        found.append(_status_of(digest_of(key[0]), situation))
    if key is not None and (rest or value).strip() != key[0]:
        found.append(
            Finding(Tone.BAD, "There are extra characters around the key, such as quotes, a comma or a line break.")
        )
    return found


def _key_findings(key: ApiKey, situation: Situation) -> list[Finding]:
    found = [_status_of(key.token_hash, situation)]
    if key.last_used_at is None:
        found.append(
            Finding(Tone.HINT, "We have not received a request with this key yet. Check that your software uses it.")
        )
    else:
        words = f"The key was last used on {utc(key.last_used_at)}, from {key.last_used_address}."
        found.append(Finding(Tone.GOOD, words))
    if key.allowed_networks:
        words = f"The key is allowed only from {', '.join(key.allowed_networks)}; other requests are rejected with 403."
        found.append(Finding(Tone.HINT, words, f"/keys/{key.id}", "View key"))
    hints = line_of(key, now=situation.now).hints
    return [*found, *(Finding(Tone.HINT, hint, f"/keys/{key.id}", "View key") for hint in hints)]


def _status_of(digest: bytes, situation: Situation) -> Finding:
    """The very answer that the API would give."""
    key = situation.room.snapshots.key(digest)
    if key is not None and key.organization_id != situation.organization.id:
        return Finding(Tone.BAD, "This key belongs to another organization. Use one of your own.", "/keys", "API keys")
    refusal = why_refused(digest, snapshots=situation.room.snapshots, now=situation.now)
    if refusal is None:
        return Finding(Tone.GOOD, "The API accepts this key.")
    words = f"The API rejects this key with status {int(refusal.status)}: “{refusal.title}”. {refusal.advice}"
    return Finding(Tone.BAD, words, f"/docs/problems/{refusal.code}", "Learn more")


def _limit_finding(busiest: statistics.BusiestMinute, limit: int) -> Finding:
    share, limited = busiest.decisions / limit, busiest.limited_that_day
    words = f"{busiest.key_name}: {busiest.decisions:,} of {limit:,} requests in its peak minute, {utc(busiest.at)}."
    if limited:
        words += f" {counted(limited, 'request')} rejected that day (429)."
    tone = Tone.BAD if limited or share >= 1 else Tone.HINT if share >= _NEARLY_FULL else Tone.GOOD
    return Finding(tone, words, f"/keys/{busiest.key_id}", "View key")
