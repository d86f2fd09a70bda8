"""What an entry changed, as sentences: `Name: “Old” → “New”` said in words, one for each thing."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from api.policies.document import POLICY_KEYS, describe
from core.formats import day, number, utc
from legal_docs.documents.kinds import TITLES

_NAMES = ("code", "model", "fact", "name")
"""By which entries of a list are told apart: rules, own models, required facts, tests."""
_ON_CONTRADICTION = {
    "caller": "use what the caller sent",
    "catalogue": "use the catalogue",
    "block": "block the request",
}
_TITLES = {
    "by_link": "Signed with a link",
    "evidence_sha256": "SHA-256 of the evidence",
    "is_high_risk": "High-risk system (EU AI Act)",
    "kind": "Type",
    "sha256": "SHA-256",
}
_VALUES: dict[str, Mapping[Any, str]] = {
    "document": TITLES,
    "on_contradiction": _ON_CONTRADICTION,
    "state": {"active_ending": "ending"},
}
_SAID_ELSEWHERE = frozenset({"changes"})
"""Places that a draft changes: the changes themselves stand beside them."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NOTHING: tuple[Any, ...] = (None, "", [], {})


def changes_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    return [sentence for name in names if (sentence := _sentence(name, old.get(name), new.get(name)))]


def _sentence(name: str, old: Any, new: Any) -> str:
    if name in _SAID_ELSEWHERE or old == new or (old in _NOTHING and new in _NOTHING):
        return ""
    title = _title_of(name)
    if isinstance(old, list) and isinstance(new, list):
        return f"{title}: {'; '.join(_list_changes(old, new))}."
    if old in _NOTHING:
        return f"{title}: {_value_of(name, new)}."
    if new in _NOTHING:
        return f"{title}: {_value_of(name, old)} removed."
    return f"{title}: changed from {_value_of(name, old)} to {_value_of(name, new)}."


def _list_changes(old: list[Any], new: list[Any]) -> Iterator[str]:
    """Rules are told apart by their codes: one that stayed with another content is changed."""
    before, after = {_name_of(one): one for one in old}, {_name_of(one): one for one in new}
    added, removed = [name for name in after if name not in before], [name for name in before if name not in after]
    changed = [name for name in after if name in before and before[name] != after[name]]
    for verb, names in (("added", added), ("changed", changed), ("removed", removed)):
        if names:
            yield f"{verb} {', '.join(names)}"
    if not (added or removed or changed):
        yield "order changed"


def _name_of(part: Any) -> str:
    if isinstance(part, Mapping):
        for name in _NAMES:
            if name in part:
                return f"“{part[name]}”"
        if "mode" in part:
            operations = ", ".join(part.get("operations", ())) or "all other operations"
            return f"{_shown(str(part['mode']).replace('_', ' '))} for {operations}"
    return _shown(part)


def _title_of(name: str) -> str:
    if name in POLICY_KEYS:
        return describe(name)[0]
    return _TITLES.get(name) or name.replace("_", " ").replace(".", " ").capitalize()


def _value_of(name: str, value: Any) -> str:
    if isinstance(value, bool) and name.startswith(("is_", "by_")):  # a fact; what is on or off is a setting
        return "yes" if value else "no"
    if name == "custom_facts" and isinstance(value, Mapping):  # names that callers send
        return ", ".join(f"{fact} ({kind})" for fact, kind in value.items())
    if name == "number":  # of a support request: a name, and no amount
        return str(value)
    if name.endswith("_at") and isinstance(value, str) and _MOMENT.match(value):
        return utc(datetime.fromisoformat(value))
    if name.endswith("_on") and isinstance(value, str) and _DAY.fullmatch(value):
        return day(date.fromisoformat(value))
    return _shown(_VALUES[name].get(value, value) if name in _VALUES else value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{_title_of(str(name)).lower()} {_shown(part)}" for name, part in value.items())
    return "none" if value is None else f"“{value}”"
