"""Bringing a draft to a newer version: what both changed differently is a conflict, all else comes together.

Rules and custom facts are merged one by one, and lists entry by entry. Imports no database.
"""

from collections.abc import Hashable, Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from api.policies.document import POLICY_KEYS, PolicyDocument

_LISTS = ("known_operations", "allowed_models", "denied_operations")
_BY_NAME = {"rules": "code", "tests": "name"}
"""What is told apart by which of its fields."""
_ABSENT = object()


class Prefer(StrEnum):
    """Whose value is taken where both changed the same thing."""

    DRAFT = "draft"
    PUBLISHED = "published"


class Merged(msgspec.Struct, frozen=True):
    document: PolicyDocument
    conflicts: tuple[str, ...]
    """The places that both changed differently, such as `max_risk_score` or `rules.hr_review`."""


def merged(base: PolicyDocument, draft: PolicyDocument, published: PolicyDocument, prefer: Prefer) -> Merged:
    merging = _Merging(prefer)
    values: dict[str, Any] = {}
    for key in POLICY_KEYS:
        parts = [getattr(document, key) for document in (base, draft, published)]
        if key in _LISTS:
            values[key] = _merged_list(*parts)
        elif key in _BY_NAME:
            values[key] = tuple(merging.mapping(key, *(_by_name(key, one) for one in parts)).values())
        elif key == "custom_facts":
            values[key] = merging.mapping(key, *parts)
        else:
            values[key] = merging.value(key, *parts)
    return Merged(PolicyDocument(**values), tuple(merging.conflicts))


def changed_places(before: PolicyDocument, after: PolicyDocument) -> list[str]:
    """What changed, by the same names as conflicts."""
    places = []
    for key in POLICY_KEYS:
        old, new = getattr(before, key), getattr(after, key)
        if key in _BY_NAME:
            old, new = _by_name(key, old), _by_name(key, new)
        if isinstance(old, Mapping):
            changed = [name for name in {**old, **new} if old.get(name, _ABSENT) != new.get(name, _ABSENT)]
            places += [f"{key}.{name}" for name in changed]
        elif old != new:
            places.append(key)
    return places


class _Merging:
    """Of one draft; `conflicts` are gathered on the way."""

    def __init__(self, prefer: Prefer) -> None:
        self._prefer = prefer
        self.conflicts: list[str] = []

    def value(self, place: str, base: Any, draft: Any, published: Any) -> Any:
        if draft in (base, published):
            return published
        if published == base:
            return draft
        self.conflicts.append(place)
        return draft if self._prefer is Prefer.DRAFT else published

    def mapping(
        self, place: str, base: Mapping[str, Any], draft: Mapping[str, Any], published: Mapping[str, Any]
    ) -> dict[str, Any]:
        """In the published order, with what the draft added at the end."""
        found = {}
        for name in {**published, **draft}:
            parts = (one.get(name, _ABSENT) for one in (base, draft, published))
            value = self.value(f"{place}.{name}", *parts)
            if value is not _ABSENT:
                found[name] = value
        return found


def _by_name(key: str, parts: Iterable[Any]) -> dict[str, Any]:
    return {getattr(part, _BY_NAME[key]): part for part in parts}


def _merged_list(base: tuple[Hashable, ...], draft: tuple[Hashable, ...], published: tuple[Hashable, ...]) -> Any:
    if draft == base:
        return published
    added = [entry for entry in draft if entry not in base and entry not in published]
    removed = {entry for entry in base if entry not in draft}
    return (*(entry for entry in published if entry not in removed), *added)
