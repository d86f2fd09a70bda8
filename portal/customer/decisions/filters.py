"""What the log's address asks for: its filters, a period that ends now, and how each is shown with its way out."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from api.decisions.schema import DecisionFilter
from core.errors import InvalidRequest
from core.forms import in_plain_words
from core.typed_text import struct_of
from portal.customer.decisions.labels import reason_label

_LABELS = {
    "model": "Model",
    "operation": "Operation",
    "allowed": "Outcome",
    "reason": "Reason",
    "key": "Key ID",
    "environment": "Environment",
    "department": "Department",
    "application": "Application",
    "subject": "Subject pseudonym",
    "from": "From",
    "to": "To",
}
PERIODS = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}
_OUTCOMES = {"true": "allowed", "false": "blocked"}
_DATE_FIELD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)


class Chip(msgspec.Struct, frozen=True):
    """One filter in words, with its moment if it has one, and the address's parts without it."""

    words: str
    without: dict[str, str]
    moment: datetime | None = None


class Chosen(msgspec.Struct, frozen=True):
    """`fault` says why the address makes no sense; `kept` is what a further address carries on."""

    filter: DecisionFilter
    kept: dict[str, str]
    fault: str | None = None

    @property
    def chips(self) -> list[Chip]:
        return [self._chip(name, value) for name, value in self.kept.items()]

    @property
    def moments(self) -> dict[str, datetime | None]:
        """What `from` and `to` say, in UTC; a period that ends now is none of them."""
        given = {"from": self.filter.since, "to": self.filter.to}
        return {
            name: moment.astimezone(UTC) if moment and name in self.kept else None for name, moment in given.items()
        }

    def field_value(self, name: str) -> str:
        """As a date field shows it, in UTC."""
        moment = self.moments[name]
        return moment.strftime("%Y-%m-%dT%H:%M") if moment else self.kept.get(name, "")

    def _chip(self, name: str, value: str) -> Chip:
        without = {other: kept for other, kept in self.kept.items() if other != name}
        moment = self.moments.get(name)
        return Chip(_LABELS[name] if moment else _in_words(name, value), without, moment)

    @property
    def without_period(self) -> dict[str, str]:
        return {name: value for name, value in self.kept.items() if name not in {"period", "from", "to"}}


def chosen_from(arguments: Mapping[str, str], *, now: datetime) -> Chosen:
    kept = {name: text for name in ("period", *_LABELS) if (text := arguments.get(name, "").strip())}
    if kept.get("period", "day") not in PERIODS:
        return Chosen(DecisionFilter(), kept, f"Period: choose one of {', '.join(PERIODS)}.")
    given = {name: _as_moment(text) if name in {"from", "to"} else text for name, text in kept.items()}
    if period := given.pop("period", ""):
        given.setdefault("from", (now - PERIODS[period][1]).isoformat())
    try:
        return Chosen(struct_of(given, DecisionFilter), kept)
    except InvalidRequest as refused:
        fault = refused.errors[0]
        words = f"{_LABELS.get(fault.path, fault.path)}: {in_plain_words(fault.detail)}"
        return Chosen(DecisionFilter(), kept, words)


def _in_words(name: str, value: str) -> str:
    if name == "period":
        return PERIODS[value][0] if value in PERIODS else value
    shown = {"allowed": _OUTCOMES.get(value, value), "reason": reason_label(value)}.get(name, value)
    return f"{_LABELS[name]}: {shown}"


def _as_moment(text: str) -> str:
    """What a date field sends has no zone, and seconds only if they are not 0; it is taken for UTC."""
    return f"{text}{'' if text.count(':') > 1 else ':00'}Z" if _DATE_FIELD.fullmatch(text) else text
