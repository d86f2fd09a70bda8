"""The documentation for everybody: an overview, the guides, and a search over everything."""

from flask import request

from core.access import Audience, Pages, open_to
from core.current import settings
from core.views import ViewResponse
from portal.docs import articles, contents, search
from portal.docs.pages import docs_page, moved

bp = Pages("docs", __name__, url_prefix="/docs")
old = Pages("help", __name__, url_prefix="/help")
"""Where the guides were; links in emails and elsewhere lead there for good."""

MOST_CHARACTERS = 200
OLD_ANCHORS = {contents.FACTS: "facts", contents.POLICY_SETTINGS: "policies-list", contents.PROBLEMS: "problems"}
"""Where links to parts of the former one-page reference still arrive."""


@bp.get("")
@open_to(Audience.ANYBODY)
def index() -> ViewResponse:
    return docs_page("index", path=contents.OVERVIEW, anchors=OLD_ANCHORS)


@bp.get("/<article>")
@open_to(Audience.ANYBODY)
def show(article: str) -> ViewResponse:
    found = articles.find(article, base_url=settings().base_url)
    return docs_page("guide", path=f"/docs/{found.name}", article=found)


@bp.get("/search")
@open_to(Audience.ANYBODY)
def find() -> ViewResponse:
    """The results as a page, or beside the field while it is typed in."""
    words = request.args.get("q", "")[:MOST_CHARACTERS].strip()
    hits = search.index(base_url=settings().base_url).find(words)
    return docs_page("search", path="/docs/search", hits=hits, words=words)


@old.get("")
@open_to(Audience.ANYBODY)
def old_index() -> ViewResponse:
    return moved(contents.OVERVIEW)


@old.get("/<article>")
@open_to(Audience.ANYBODY)
def old_article(article: str) -> ViewResponse:
    return moved(f"/docs/{articles.find(article, base_url=settings().base_url).name}")
