"""What operators find with the search beside pages: organizations and tickets."""

from portal.console import lifecycle
from portal.customer.search.services import MOST_HITS, Hit, Hits
from portal.support import queue


def organizations(text: str) -> Hits:
    found = lifecycle.search(text, size=MOST_HITS).rows
    return Hits(
        "Organizations",
        [Hit(f"/console/organizations/{one.id}", one.name, "building-2", one.slug) for one in found],
    )


def tickets(text: str) -> Hits:
    found = queue.matching(text, most=MOST_HITS)
    return Hits(
        "Tickets",
        [Hit(f"/console/support/{one.id}", one.subject, "life-buoy", str(one.number)) for one in found],
    )
