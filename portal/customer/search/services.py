"""What fits some typed text, in groups, each within what the visitor may see."""

from collections.abc import Iterator
from urllib.parse import urlencode
from uuid import UUID

import blinker
import msgspec

from api.decisions import services as decisions
from api.keys import lookup
from api.keys.models import ApiKey
from api.policies import services as policies
from api.policies.document import POLICY_KEYS, describe
from core.formats import utc
from core.ids import parse_public_id, public_id
from portal.customer.team import members
from portal.menu import Entry

operator_searches = blinker.Signal()
"""Of the typed text, in the system's scope: each receiver gives Hits of what operators alone may open."""

MOST_TEXT = 100
MOST_HITS = 6
"""Of each kind: who sees more than that narrows the search."""
_ACTIONS = (
    Entry("/keys/new?environment=test", "Create test key", "plus"),
    Entry("/keys/new?environment=live", "Create live key", "plus"),
    Entry("/policies/models", "Models", "shield-check"),
    Entry("/policies/presets", "Policy presets", "shield-check"),
    Entry("/policies/required-facts", "Required facts", "shield-check"),
    Entry("/policies/versions", "Policy version history", "history"),
    Entry("/support/new", "Contact support", "life-buoy"),
)


class Hit(msgspec.Struct, frozen=True):
    path: str
    label: str
    icon: str
    hint: str = ""


class Hits(msgspec.Struct, frozen=True):
    """What was found of one kind."""

    title: str
    hits: list[Hit]


def among_pages(pages: tuple[Entry, ...], text: str, *, is_member: bool) -> Hits:
    known = (*pages, *_ACTIONS) if is_member and text else pages
    fitting = [page for page in known if text.casefold() in page.label.casefold()]
    return Hits("Pages", [Hit(page.path, page.label, page.icon) for page in fitting[: 2 * MOST_HITS]])


def among_records(organization_id: UUID, text: str) -> list[Hits]:
    """Keys, decisions, policies and members of an organization."""
    if not text:
        return []
    return [
        Hits("API keys", [_key_hit(key) for key in lookup.matching(organization_id, text, most=MOST_HITS)]),
        Hits("Decisions", list(_decisions(organization_id, text))),
        Hits("Policies", list(_policies(organization_id, text))[:MOST_HITS]),
        Hits("Members", list(_members(organization_id, text))),
    ]


def among_customers(text: str) -> list[Hits]:
    """What operators find: customers and their requests."""
    return [hits for _, hits in operator_searches.send(text)] if text else []


def _key_hit(key: ApiKey) -> Hit:
    return Hit(f"/keys/{key.id}", key.name, "key-round", f"{key.start}…{key.last_four}")


def _decisions(organization_id: UUID, text: str) -> Iterator[Hit]:
    """By the id alone: it leads to its day, where any other search would read the whole log."""
    if parse_public_id("dec", text):
        row = decisions.find_or_none(organization_id, text)
        found = [row] if row else []
    else:
        found = decisions.find_by_request(organization_id, text, most=MOST_HITS) if text.startswith("req_") else []
    for row in found:
        shown_id = public_id("dec", row.id)
        outcome = "Allowed" if row.allowed else "Blocked"
        yield Hit(
            f"/decisions/{shown_id}", f"{outcome}: {row.model}, {row.operation}", "scroll-text", utc(row.decided_at)
        )


def _policies(organization_id: UUID, text: str) -> Iterator[Hit]:
    wanted = text.casefold()
    for name in POLICY_KEYS:
        title, _ = describe(name)
        if wanted in title.casefold() or wanted in name:
            yield Hit(f"/policies#{name}", title, "shield-check")
    _, document = policies.current(organization_id)
    for rule in document.rules:
        if wanted in rule.code.casefold() or wanted in rule.message.casefold():
            yield Hit("/policies#rules", rule.code, "shield-check", rule.message)


def _members(organization_id: UUID, text: str) -> Iterator[Hit]:
    for member in members.list_page(organization_id, text=text, size=MOST_HITS).rows:
        yield Hit(f"/team?{urlencode({'q': member.email})}", member.name, "user-round", member.email)
