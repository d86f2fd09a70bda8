"""The page behind the link in a pulse or a survey. A button answers it; opening the page, as scanners do, does not."""

from flask import render_template

from core.access import Audience, Pages, open_to
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.forms import Form
from core.throttle import per_address
from core.views import ViewResponse
from portal.feedback import services
from portal.feedback.forms import answers_in, form_for
from portal.feedback.kinds import TITLES, Kind

bp = Pages("feedback", __name__, url_prefix="/feedback")


@bp.get("/<secret>")
@open_to(Audience.ANYBODY)
def show(secret: str) -> ViewResponse:
    kind = _kind_behind(secret)
    return _page(secret, kind, form_for(kind, formdata=None))


@bp.post("/<secret>")
@per_address("30 per hour")
@open_to(Audience.ANYBODY)
def answer(secret: str) -> ViewResponse:
    kind = _kind_behind(secret)
    form = form_for(kind)
    if not form.validate():
        return _page(secret, kind, form, status=422)
    with acting_as_system(), transaction():
        services.answer(secret, answers_in(form, kind), now=utc_now())
    return render_template("portal/feedback/thanks.html", is_stopped=False)


@bp.post("/<secret>/stop")
@per_address("30 per hour")
@open_to(Audience.ANYBODY)
def stop(secret: str) -> ViewResponse:
    with acting_as_system(), transaction():
        services.stop(secret, now=utc_now())
    return render_template("portal/feedback/thanks.html", is_stopped=True)


def _kind_behind(secret: str) -> Kind:
    """Raises FeedbackUnknown or FeedbackOver."""
    with acting_as_system():
        return Kind(services.find_by_secret(secret, now=utc_now()).kind)


def _page(secret: str, kind: Kind, form: Form, *, status: int = 200) -> ViewResponse:
    return render_template("portal/feedback/answer.html", form=form, title=TITLES[kind], secret=secret), status
