"""What the documentation has, in the order of its side navigation."""

from functools import cache

import msgspec

from api.v1.endpoint import Endpoint, declared_endpoints
from portal.docs.articles import by_group

OVERVIEW, REFERENCE, FACTS, POLICY_SETTINGS, PROBLEMS = (
    "/docs",
    "/docs/api",
    "/docs/facts",
    "/docs/policy-settings",
    "/docs/problems",
)


class Entry(msgspec.Struct, frozen=True):
    """`method` for an endpoint, whose verb stands beside its title."""

    path: str
    title: str
    lead: str
    method: str = ""


class Group(msgspec.Struct, frozen=True):
    title: str
    entries: tuple[Entry, ...]


@cache
def contents(*, base_url: str) -> tuple[Group, ...]:
    guides = [
        Group(title, tuple(Entry(f"/docs/{one.name}", one.title, one.lead) for one in articles))
        for title, articles in by_group(base_url=base_url).items()
    ]
    return (*guides, _reference(), *_endpoints())


def _reference() -> Group:
    return Group(
        "API reference",
        (
            Entry(REFERENCE, "Introduction", "Base URL, authentication, errors, limits and the OpenAPI document."),
            Entry(FACTS, "Facts", "Everything that metadata can contain, with types."),
            Entry(POLICY_SETTINGS, "Policy settings", "Every policy with its meaning and default."),
            Entry(PROBLEMS, "Error codes", "For every error code: how to fix it, and which endpoints return it."),
        ),
    )


def _endpoints() -> list[Group]:
    endpoints = declared_endpoints()
    tags = dict.fromkeys(endpoint.tag for endpoint in endpoints)
    return [Group(tag, tuple(_entry(one) for one in endpoints if one.tag == tag)) for tag in tags]


def _entry(endpoint: Endpoint) -> Entry:
    return Entry(path_of(endpoint), endpoint.summary, endpoint.description, endpoint.method)


def path_of(endpoint: Endpoint) -> str:
    return f"{REFERENCE}/{endpoint.slug}"


def neighbours(path: str, *, base_url: str) -> tuple[Entry | None, Entry | None]:
    """What stands before and after a page in the navigation."""
    entries = [entry for group in contents(base_url=base_url) for entry in group.entries]
    place = next((index for index, entry in enumerate(entries) if entry.path == path), None)
    if place is None:
        return None, None
    return (entries[place - 1] if place else None), (entries[place + 1] if place + 1 < len(entries) else None)
