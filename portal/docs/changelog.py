"""What changed for customers, by date, as `docs/changelog.md` tells it."""

import re
from functools import cache

from portal.docs.articles import DOCS, Article, read
from portal.docs.figures import figures

_SOURCE = DOCS / "changelog.md"


@cache
def changes(*, base_url: str) -> Article:
    return read("changelog", _SOURCE.read_text(), figures(), base_url=base_url)


@cache
def last_change() -> str:
    """The date of the latest entry, as it is written there."""
    found = re.search(r"^## (.+)$", _SOURCE.read_text(), flags=re.MULTILINE)
    return found[1] if found else ""
