"""The page behind the question after a resolution. A button answers it; opening the page, as scanners do, does not."""

from flask import render_template, request

from core.access import Audience, Pages, open_to
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.throttle import per_address
from core.views import ViewResponse
from portal.support import records, surveys
from portal.support.forms import ScoreForm

bp = Pages("survey", __name__, url_prefix="/survey")


@bp.get("/<secret>")
@open_to(Audience.ANYBODY)
def show(secret: str) -> ViewResponse:
    return _page(secret, ScoreForm(formdata=None))


@bp.post("/<secret>")
@per_address("30 per hour")
@open_to(Audience.ANYBODY)
def answer(secret: str) -> ViewResponse:
    form = ScoreForm()
    if not form.validate():
        return _page(secret, form, status=422)
    with acting_as_system(), transaction():
        surveys.answer(secret, score=form.score.data, words=form.words.data or None, now=utc_now())
    return render_template("portal/support/thanks.html", score=form.score.data)


def _page(secret: str, form: ScoreForm, *, status: int = 200) -> ViewResponse:
    with acting_as_system():
        ticket = records.find(surveys.find(secret, now=utc_now()).ticket_id)
        suggested = request.args.get("score", "")
        page = render_template(
            "portal/support/survey.html",
            ticket=ticket,
            form=form,
            suggested=int(suggested) if suggested.isascii() and suggested.isdigit() else None,
        )
    return page, status
