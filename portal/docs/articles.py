"""The guides, as they are shown: their figures filled in, and Markdown made HTML."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
from jinja2 import Environment, StrictUndefined

from core.errors import NotFound
from legal_docs.documents.html import Page, to_page
from portal.docs.figures import figures

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "customers"
GROUPS = {
    "Get started": ("quickstart", "portal-guide", "faq"),
    "Build": (
        *("api-guide", "typescript", "integrations", "local-decisions", "authzen", "mcp", "policies", "limits"),
        "errors",
    ),
    "Security and compliance": ("security-and-privacy",),
}
"""Which guides there are, in the order in which they are read."""

_SOURCES = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701  Markdown of our own, not HTML


class Article(msgspec.Struct, frozen=True):
    """`lead` is the sentence below the title, which the list of guides shows too."""

    name: str
    title: str
    lead: str
    markdown: str
    page: Page


@cache
def find(name: str, *, base_url: str) -> Article:
    """Raises NotFound."""
    if name not in {known for names in GROUPS.values() for known in names}:
        raise NotFound("This guide does not exist. All guides are listed at /docs.")
    return read(name, (FOLDER / f"{name}.md").read_text(), figures(), base_url=base_url)


def read(name: str, source: str, stated: Mapping[str, str], *, base_url: str) -> Article:
    """Raises jinja2's UndefinedError for a figure that nobody named."""
    markdown = _SOURCES.from_string(source).render(stated, base_url=base_url)
    title, lead, _ = markdown.split("\n\n", 2)
    return Article(name, title.removeprefix("# "), lead, markdown, _reachable(to_page(markdown)))


def section(article: Article, heading: str) -> str:
    """What stands below one heading of the second level, as HTML. Raises NotFound."""
    for part in article.markdown.split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        if title == heading:
            return _reachable(to_page(text)).html
    raise NotFound(f"{article.title} has no section {heading!r}.")


def by_group(*, base_url: str) -> dict[str, list[Article]]:
    return {group: [find(name, base_url=base_url) for name in names] for group, names in GROUPS.items()}


def _reachable(page: Page) -> Page:
    """What is wider than a phone is scrolled, also by whoever has no pointer. Text has no tags: it is escaped."""
    html = page.html
    for start in ("<pre", "<table"):
        html = html.replace(start, f'{start} tabindex="0"')
    return msgspec.structs.replace(page, html=html)
