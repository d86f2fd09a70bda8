"""A policy that is a list: entries are added, changed and removed one by one, each as a proposal of the whole list."""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.errors import InvalidRequest, NotFound
from core.forms import Form


def need_entry(entries: Sequence[msgspec.Struct], place: int, kind: str) -> None:
    """`kind` as people call an entry. The list may have become shorter since its page was opened."""
    if place >= len(entries):
        raise NotFound(f"{kind} not found. It may have been removed.")


def with_entry(entries: Sequence[msgspec.Struct], place: int | None, value: dict[str, Any]) -> list[Any]:
    """`value` in the place of an entry, or after all others."""
    changed = [msgspec.to_builtins(one) for one in entries]
    at = len(changed) if place is None else place
    changed[at : at + 1] = [value]
    return changed


def without_entry(entries: Sequence[msgspec.Struct], place: int) -> list[Any]:
    return [msgspec.to_builtins(one) for index, one in enumerate(entries) if index != place]


def blame_fields(form: Form, refused: InvalidRequest) -> None:
    """`required_facts[3].operations[0]` is the field operations."""
    form.blame(
        msgspec.structs.replace(fault, path=fault.path.partition("]")[2].lstrip(".") or fault.path)
        for fault in refused.errors
    )
