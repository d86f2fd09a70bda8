"""What an entry changed, as sentences: `Name: “Old” → “New”` said in words, one for each thing."""

from collections.abc import Iterator, Mapping
from typing import Any

from api.policies.document import POLICY_KEYS, describe
from core.formats import number

_NAMES = ("code", "model", "fact", "name")
"""By which entries of a list are told apart: rules, own models, required facts, tests."""
_ON_CONTRADICTION = {
    "caller": "use what the caller sent",
    "catalogue": "use the catalogue",
    "block": "block the request",
}
_YES_OR_NO = {True: "yes", False: "no"}
"""Of what is a fact and no setting, which would be on or off."""
_NOTHING: tuple[Any, ...] = (None, "", [], {})


def changes_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    return [sentence for name in names if (sentence := _sentence(name, old.get(name), new.get(name)))]


def _sentence(name: str, old: Any, new: Any) -> str:
    if old == new or (old in _NOTHING and new in _NOTHING):
        return ""
    if name == "on_contradiction":
        old, new = _ON_CONTRADICTION.get(old, old), _ON_CONTRADICTION.get(new, new)
    if name.startswith(("is_", "by_")):
        old, new = _YES_OR_NO.get(old, old), _YES_OR_NO.get(new, new)
    title = _title_of(name)
    if isinstance(old, list) and isinstance(new, list):
        return f"{title}: {'; '.join(_list_changes(old, new))}."
    if old in _NOTHING:
        return f"{title}: {_shown(new)}."
    if new in _NOTHING:
        return f"{title}: {_shown(old)} removed."
    return f"{title}: changed from {_shown(old)} to {_shown(new)}."


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
    return name.replace("_", " ").replace(".", " ").capitalize()


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
