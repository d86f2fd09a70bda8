"""The handbook in the console."""

from flask import render_template

from core.access import Audience, Pages, open_to
from core.current import settings
from core.views import ViewResponse
from portal.console.handbook import chapters

bp = Pages("handbook", __name__, url_prefix="/console/handbook")


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    return render_template("portal/console/handbook/index.html", groups=chapters.by_group(base_url=settings().base_url))


@bp.get("/<chapter>")
@open_to(Audience.OPERATOR)
def show(chapter: str) -> ViewResponse:
    return render_template(
        "portal/console/handbook/chapter.html", chapter=chapters.find(chapter, base_url=settings().base_url)
    )
