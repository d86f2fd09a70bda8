"""The palette, which is a page too."""

from flask import request

from core.access import Audience, Pages, current_user, open_to
from core.db import acting_as_system, acting_for
from core.htmx import page_or_block
from core.views import ViewResponse
from portal import menu
from portal.customer.search import services as search

bp = Pages("search", __name__, url_prefix="/search")


@bp.get("")
@open_to(Audience.SIGNED_IN)
def index() -> ViewResponse:
    who = current_user()
    text = request.args.get("q", "").strip()[: search.MOST_TEXT]
    found = [search.among_pages(menu.every_page(who), text, is_member=who.membership is not None)]
    if who.membership is not None:
        with acting_for(who.membership.organization_id):
            found += search.among_records(who.membership.organization_id, text)
    if who.is_operator:
        with acting_as_system():
            found += search.among_customers(text)
    return page_or_block(
        "portal/customer/search/index.html", "found", found=[part for part in found if part.hits], text=text
    )
