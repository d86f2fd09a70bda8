"""The chapters of the handbook, as the console shows them.

They are read as files too, at night and while nothing of ours runs: links lead from file to file there, and from page
to page here.
"""

import re
from functools import cache

from core.errors import NotFound
from portal.console.chapters import FOLDER, GROUPS, NAMES
from portal.console.handbook.figures import figures
from portal.docs import articles
from portal.docs.articles import Article

_COMMENT = re.compile(r"^ *<!--.*?-->\n", re.MULTILINE)
_LINK = re.compile(r"\]\(([a-z-]+)\.md(#[a-z0-9-]+)?\)")


@cache
def find(name: str, *, base_url: str) -> Article:
    """Raises NotFound."""
    if name not in NAMES:
        raise NotFound("This chapter does not exist. All chapters are listed at /console/handbook.")
    source = _COMMENT.sub("", (FOLDER / f"{name}.md").read_text())
    return articles.read(name, _LINK.sub(r"](/console/handbook/\1\2)", source), figures(), base_url=base_url)


def by_group(*, base_url: str) -> dict[str, list[Article]]:
    return {group: [find(name, base_url=base_url) for name in names] for group, names in GROUPS.items()}
