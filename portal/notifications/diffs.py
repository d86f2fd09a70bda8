"""What a change of the policies changed, as sentences that are sent along. Knows no database."""

from collections.abc import Mapping
from typing import Any

from api.policies.document import POLICY_KEYS
from portal.changes import changes_of
from portal.notifications.events import Event

MOST_SENTENCES = 20
LONGEST_SENTENCE = 300


def diff_of(event: Event, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Of an event that has one: under `diff`, and nothing where no policy differs."""
    if not event.has_diff:
        return {}
    old, new = (
        {key: values[key] for key in POLICY_KEYS if key in values} for values in (dict(before or {}), dict(after or {}))
    )
    sentences = list(map(_shortened, changes_of(old, new)))
    if len(sentences) > MOST_SENTENCES:
        sentences[MOST_SENTENCES - 1 :] = [f"And {len(sentences) - MOST_SENTENCES + 1} more policies."]
    return {"diff": sentences} if sentences else {}


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[: LONGEST_SENTENCE - 1]}…"
