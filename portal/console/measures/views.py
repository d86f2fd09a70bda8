"""The page of figures in the console."""

from datetime import timedelta

from flask import render_template, request

from api.usage import availability
from backups import services as backups
from core.access import Audience, Pages, open_to
from core.clock import utc_now
from core.replica import reads_replica
from core.views import ViewResponse
from portal.console.measures import services
from portal.console.measures.adoption import ENOUGH_A_DAY, adoption_page
from portal.paging import chosen_uuid
from portal.support import queue

bp = Pages("measures", __name__, url_prefix="/console/figures")

RUNS_SHOWN = 14
KEYS_SHOWN = 10
_MOST_LETTERS = 100
LIMITED_OVER = timedelta(days=7)


@bp.get("")
@open_to(Audience.OPERATOR)
@reads_replica
def index() -> ViewResponse:
    now, words = utc_now(), request.args.get("q", "").strip()[:_MOST_LETTERS]
    after = chosen_uuid(request.args.get("after"))
    return render_template(
        "portal/console/measures/index.html",
        measures=services.measures(now=now),
        adoption=adoption_page(now=now, words=words, after=after),
        words=words,
        is_first=after is None,
        enough_a_day=ENOUGH_A_DAY,
        limited_keys=availability.most_limited_keys(since=(now - LIMITED_OVER).date(), most=KEYS_SHOWN),
        counts=services.counts(),
        open_requests=queue.counts_by_severity(),
        backup=backups.status(now),
        runs=backups.latest_runs(RUNS_SHOWN),
        now=now,
    )
