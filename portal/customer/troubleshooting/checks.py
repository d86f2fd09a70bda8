"""The five commonest troubles, as checks of the organization's own state. Each says what was found, and what to do."""

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
from core.members import Role
from core.tokens import digest_of
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
    found = [Finding(Tone.GOOD, "This page reached you, so the portal answers.")]
    found += _open_incidents()
    failing = [name.replace("_", " ") for name, works in components(situation.room).items() if not works]
    if failing:
        words = f"On our side this does not work just now: {', '.join(failing)}. We are told of it by ourselves."
        found.append(Finding(Tone.BAD, words, "/status", "Status"))
    else:
        found.append(Finding(Tone.GOOD, "Every part of the service answers just now."))
    if situation.organization.status not in {OrganizationStatus.SANDBOX, OrganizationStatus.LIVE}:
        words = f"Your organization is {situation.organization.status}: pages can be read, but not changed."
        found.append(Finding(Tone.BAD, words, "/organization", "See why"))
    if situation.role is Role.VIEWER:
        found.append(Finding(Tone.HINT, "Your role is viewer: you see everything and change nothing.", "/team", "Team"))
    return [
        *found,
        Finding(Tone.HINT, "Try a private window, or another browser: an extension may hold a page back."),
        Finding(Tone.HINT, "Is the address the one that our mails name? A bookmark may be old."),
    ]


def _open_incidents() -> list[Finding]:
    with acting_as_system():
        return [
            Finding(Tone.BAD, f"An incident is open: {one.title}.", f"/status/incidents/{one.id}", "What we know")
            for one in incidents.every_open()
        ]


def key_does_not_work(situation: Situation) -> list[Finding]:
    found = _header_findings(situation) if situation.header else []
    keys = list(lookup.every(situation.organization.id))
    if not keys:
        return [*found, Finding(Tone.BAD, "Your organization has no key yet.", "/keys/new", "Make one")]
    chosen = [key for key in keys if key.id == situation.key_id] if situation.key_id else []
    for key in chosen:
        found += _key_findings(key, situation)
    if not chosen and not situation.header:
        found.append(Finding(Tone.HINT, "Choose the key above, or paste how your code sends the header."))
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
        found.append(Finding(Tone.GOOD, "No key was answered in the last seven days, so none came near its limit."))
    return [
        *found,
        Finding(Tone.HINT, "When 429 comes, wait as Retry-After says, then 1, 2 and 4 seconds; never at once again."),
        Finding(Tone.HINT, "Several questions at once cost one request each; a key for each service shares nothing."),
        Finding(Tone.HINT, "A key can have a limit of its own, up to what your plan allows.", "/plan", "Your plan"),
    ]


def blocked_wrongly(situation: Situation) -> list[Finding]:
    since, organization_id = situation.now - LOOKED_BACK, situation.organization.id
    found = []
    if situation.decision_id:
        decision = decisions.find(organization_id, situation.decision_id)
        words = f"This decision had {decision.risk_score} points: {decision.reason.replace('_', ' ')}."
        found.append(Finding(Tone.HINT, words, f"/decisions/{situation.decision_id}", "Every point explained"))
    for environment in KeyEnvironment:
        for top in statistics.top_reasons(
            organization_id, environment=environment.value, since=since, to=situation.now
        ):
            reason = top.reason.replace("_", " ")
            words = f"Blocked in the last seven days, {environment}: {top.decisions}, because of: {reason}."
            path = f"/decisions?allowed=false&environment={environment}&reason={top.reason}"
            found.append(Finding(Tone.HINT, words, path, "Look at them"))
    if not found:
        found.append(Finding(Tone.GOOD, "Nothing was blocked in the last seven days."))
    return [
        *found,
        Finding(
            Tone.HINT, "Before you change a policy, its page shows what the change would do.", "/policies", "Policies"
        ),
        Finding(
            Tone.HINT,
            "A request that holds a forbidden field, such as prompt or text, is refused with 400 and is no decision: "
            "the answer names the field, and the log does not have it.",
        ),
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
        words = f"The newest {environment} decision is of {newest[0].decided_at:%d %B %Y, %H:%M} UTC." if newest else ""
        path = f"/decisions?environment={environment}"
        found.append(
            Finding(Tone.GOOD, words, path, "Open the log")
            if newest
            else Finding(Tone.HINT, f"There is no {environment} decision on record.", path, "Open the log")
        )
    waiting_bytes = situation.room.spool.size_bytes
    if waiting_bytes:
        found.append(Finding(Tone.HINT, "Some answered decisions wait on our disk; they show within minutes."))
    kept = f"Decisions older than {organization.retention_days} days are deleted every day, as you set it."
    return [
        *found,
        Finding(Tone.HINT, kept, "/organization/retention", "Retention"),
        Finding(Tone.HINT, "A filter that is still set hides the rest.", "/decisions", "The log without filters"),
    ]


class Check(msgspec.Struct, frozen=True):
    """`asks` names what the reader may tell: key, header, decision."""

    title: str
    lead: str
    look: Callable[[Situation], list[Finding]]
    asks: tuple[str, ...] = ()


CHECKS = {
    "page": Check("A page does not load", "Whether it is the portal, your role, or the browser.", page_does_not_load),
    "key": Check(
        "A key does not work", "Its form, its state, and how it is sent.", key_does_not_work, asks=("key", "header")
    ),
    "limit": Check("The limit comes too soon", "How near each key came to its limit.", limited_too_soon),
    "blocked": Check(
        "Something is blocked that should not be", "What blocked, and how often.", blocked_wrongly, asks=("decision",)
    ),
    "log": Check("The log does not show what I look for", "What is on record, and for how long.", log_is_empty),
}


def _header_findings(situation: Situation) -> list[Finding]:
    """What the reader pasted is looked at and forgotten; it may hold a whole key."""
    value = situation.header.strip().removeprefix("Authorization:").strip()
    found = []
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "bearer":
        found.append(Finding(Tone.BAD, "The header has to begin with the word Bearer and a space."))
    key = _KEY.search(rest or value)
    if key is None:
        found.append(Finding(Tone.BAD, "There is no key in it: a key begins with aig_live_ or aig_test_."))
    elif not is_well_formed(key[0]):
        words = "The key is not whole: a letter is missing, wrong or too many. Copy it again, or make a new one."
        found.append(Finding(Tone.BAD, words))
    else:
        found.append(Finding(Tone.GOOD, "The form of the key is right. We did not keep what you pasted."))
        found.append(_standing(digest_of(key[0]), situation))
    if key is not None and (rest or value).strip() != key[0]:
        found.append(Finding(Tone.BAD, "Around the key there is something else: quotes, a comma or a line break."))
    return found


def _key_findings(key: ApiKey, situation: Situation) -> list[Finding]:
    found = [_standing(key.token_hash, situation)]
    if key.last_used_at is None:
        found.append(Finding(Tone.HINT, "No request with this key has reached us yet: is it the one that is set?"))
    else:
        words = f"It was last used on {key.last_used_at:%d %B %Y, %H:%M} UTC, from {key.last_used_address}."
        found.append(Finding(Tone.GOOD, words))
    if key.allowed_networks:
        words = f"It may be used only from {', '.join(key.allowed_networks)}; from elsewhere it is refused with 403."
        found.append(Finding(Tone.HINT, words, f"/keys/{key.id}", "The key"))
    hints = line_of(key, now=situation.now).hints
    return [*found, *(Finding(Tone.HINT, hint, f"/keys/{key.id}", "The key") for hint in hints)]


def _standing(digest: bytes, situation: Situation) -> Finding:
    """The very answer that the API would give."""
    key = situation.room.snapshots.key(digest)
    if key is not None and key.organization_id != situation.organization.id:
        return Finding(Tone.BAD, "This key is none of your organization's. Use one of your own.", "/keys", "Your keys")
    refusal = why_refused(digest, snapshots=situation.room.snapshots, now=situation.now)
    if refusal is None:
        return Finding(Tone.GOOD, "The API takes this key just now.")
    words = f"The API refuses it with {int(refusal.status)}: {refusal.title.lower()}. {refusal.advice}"
    return Finding(Tone.BAD, words, f"/docs/problems/{refusal.code}", "About this refusal")


def _limit_finding(busiest: statistics.BusiestMinute, limit: int) -> Finding:
    share = busiest.decisions / limit
    words = (
        f"{busiest.key_name}: {busiest.decisions} of {limit} in its fullest minute, {busiest.at:%d %B %Y, %H:%M} UTC."
    )
    tone = Tone.BAD if share >= 1 else Tone.HINT if share >= _NEARLY_FULL else Tone.GOOD
    return Finding(tone, words, f"/keys/{busiest.key_id}", "The key")
