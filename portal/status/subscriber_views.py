"""Subscribing to the status by mail. A link that is opened changes nothing; a button does, or the reader's program."""

from flask import Blueprint, Response, render_template

from core.access import Audience, Pages, open_to
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.htmx import see_other
from core.throttle import per_account, per_address
from core.views import ViewResponse
from portal.status import subscribers
from portal.status.forms import SubscribeForm

bp = Pages("status_subscribers", __name__, url_prefix="/status")
one_click = Blueprint("status_one_click", __name__)


@bp.get("/subscribe")
@open_to(Audience.ANYBODY)
def new() -> ViewResponse:
    return render_template("portal/status/subscribe.html", form=SubscribeForm(formdata=None), is_sent=False)


@bp.post("/subscribe")
@per_address("20 per hour")
@per_account("3 per hour")
@open_to(Audience.ANYBODY)
def create() -> ViewResponse:
    form = SubscribeForm()
    if not form.validate():
        return render_template("portal/status/subscribe.html", form=form, is_sent=False), 422
    with acting_as_system(), transaction():
        subscribers.ask(form.email.data, now=utc_now())
    return render_template("portal/status/subscribe.html", form=form, is_sent=True)


@bp.get("/subscriptions/<secret>")
@open_to(Audience.ANYBODY)
def show(secret: str) -> ViewResponse:
    with acting_as_system():
        return render_template("portal/status/subscription.html", subscriber=subscribers.find(secret))


@bp.post("/subscriptions/<secret>/confirm")
@per_address("60 per hour")
@open_to(Audience.ANYBODY)
def confirm(secret: str) -> ViewResponse:
    with acting_as_system(), transaction():
        subscribers.confirm(secret, now=utc_now())
    return see_other(f"/status/subscriptions/{secret}")


@bp.post("/subscriptions/<secret>/end")
@per_address("60 per hour")
@open_to(Audience.ANYBODY)
def end(secret: str) -> ViewResponse:
    with acting_as_system(), transaction():
        subscribers.end(secret)
    return render_template("portal/status/subscription_ended.html")


@one_click.post("/status/unsubscribe/<secret>")
@per_address("60 per hour")
def end_at_once(secret: str) -> Response:
    """Sent by mail programs without a page before it (RFC 8058), so it has no token but the secret in its address."""
    with acting_as_system(), transaction():
        subscribers.end(secret)
    return Response("You are unsubscribed from status updates.\n", content_type="text/plain; charset=utf-8")


@one_click.get("/status/unsubscribe/<secret>")
def lead_to_page(secret: str) -> Response:
    """For mail programs that open the address instead of sending to it."""
    return see_other(f"/status/subscriptions/{secret}")
