"""Emails that could not be sent, each with why and what to do."""

from uuid import UUID

from flask import flash, render_template

from core import mail_failures
from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.views import ViewResponse

bp = Pages("console_mail", __name__, url_prefix="/console/mail")


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    return render_template("portal/console/mail.html", emails=mail_failures.unsent(), most=mail_failures.SHOWN)


@bp.post("/<uuid:mail_id>/again")
@open_to(Audience.OPERATOR, fresh=True)
def send_again(mail_id: UUID) -> ViewResponse:
    with transaction():
        mail_failures.send_again(mail_id, by=operator(), now=utc_now())
    flash("Email queued for sending. Reload this page in a moment.")
    return see_other("/console/mail")
