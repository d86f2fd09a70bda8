"""The guides for everybody: a list, and one page each."""

from flask import render_template

from core.access import Audience, Pages, open_to
from core.current import settings
from core.views import ViewResponse
from portal.help import articles

bp = Pages("help", __name__, url_prefix="/help")


@bp.get("")
@open_to(Audience.ANYBODY)
def index() -> ViewResponse:
    return render_template("portal/help/index.html", groups=articles.by_group(base_url=settings().base_url))


@bp.get("/<article>")
@open_to(Audience.ANYBODY)
def show(article: str) -> ViewResponse:
    return render_template("portal/help/article.html", article=articles.find(article, base_url=settings().base_url))
