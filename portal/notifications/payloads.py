"""What is sent: one body for a happening, and how Slack and mail put it into words. Knows no database."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from core.formats import iso
from core.ids import public_id

SLACK_AT_MOST = 3000
_ID = re.compile(r"[0-9a-f]{32}")


def body(
    event_id: UUID,
    name: str,
    *,
    words: str,
    link: str,
    data: Mapping[str, Any],
    organization: str | None,
    now: datetime,
) -> dict[str, Any]:
    """The same for every kind of channel, and for every attempt."""
    return {
        "id": public_id("evt", event_id),
        "type": name,
        "created_at": iso(now),
        "organization": organization,
        "data": {"summary": words, "link": link, **data},
    }


def as_json(payload: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(payload)


def as_slack(payload: Mapping[str, Any]) -> bytes:
    """Plain text: nothing of a caller's words can become a link or a mention."""
    return msgspec.json.encode({"text": _for_slack("\n".join(lines_of(payload)))[:SLACK_AT_MOST]})


def lines_of(payload: Mapping[str, Any]) -> list[str]:
    """For people: the words first, the facts each on a line, what changed, the link last.

    An id that is in the link says no more.
    """
    data = dict(payload["data"])
    words, link = data.pop("summary"), data.pop("link")
    if _ID.fullmatch(subject := _bare(str(data.get("subject")))) and subject in _bare(link):
        del data["subject"]
    of = [f"Organization: {payload['organization']}"] if payload["organization"] else []
    diff = data.pop("diff", [])
    facts = [*(f"{_label(name)}: {_shown(value)}" for name, value in data.items()), *diff]
    return [f"{words}.", *of, *facts, *([link] if link else [])]


def _bare(text: str) -> str:
    """Ids are shown as `key_0199f2…` and with hyphens."""
    return text.rpartition("_")[2].replace("-", "")


def _label(name: str) -> str:
    """The subject is an id, which says more to people."""
    return "Id" if name == "subject" else name.replace("_", " ").capitalize()


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} ({number})" for name, number in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _for_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
