"""Emails as they came: those that nobody could file, for an operator to decide, and the original of any other."""

from uuid import UUID

from flask import Response, flash, render_template

from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound
from core.htmx import see_other
from core.views import ViewResponse
from portal.support.forms import AddEmailForm, EmailRequestForm
from portal.support.inbound import quarantine
from portal.support.models import InboundMail, MailOutcome

bp = Pages("quarantine", __name__, url_prefix="/console/support/email")


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    return render_template(
        "portal/support/quarantine.html", emails=quarantine.waiting(), reason_words=quarantine.REASON_LABELS
    )


@bp.get("/<uuid:mail_id>")
@open_to(Audience.OPERATOR)
def show(mail_id: UUID) -> ViewResponse:
    email = quarantine.find(mail_id)
    given = {"email": email.sender if "@" in (email.sender or "") else "", "subject": email.subject}
    return _page(email, EmailRequestForm(formdata=None, **given))


@bp.get("/<uuid:mail_id>/original")
@open_to(Audience.OPERATOR)
def original(mail_id: UUID) -> ViewResponse:
    """As it came, never shown in the page: always a download."""
    email = quarantine.find(mail_id)
    if email.raw is None:
        raise NotFound("The original of this email has been deleted.")
    answer = Response(email.raw, content_type="message/rfc822")
    answer.headers.set("Content-Disposition", "attachment", filename=f"email-{email.id.hex[-8:]}.eml")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@bp.post("/<uuid:mail_id>/request")
@open_to(Audience.OPERATOR)
def create_request(mail_id: UUID) -> ViewResponse:
    form = EmailRequestForm()
    if not form.validate():
        return _page(quarantine.find(mail_id), form, status=422)
    with transaction():
        ticket = quarantine.create_request(
            mail_id, email=form.email.data, subject=form.subject.data, by=operator(), now=utc_now()
        )
    flash(f"Ticket {ticket.number} created.")
    return see_other(f"/console/support/{ticket.id}")


@bp.post("/<uuid:mail_id>/add")
@open_to(Audience.OPERATOR)
def add(mail_id: UUID) -> ViewResponse:
    form = AddEmailForm()
    if not form.validate():
        return _page(quarantine.find(mail_id), EmailRequestForm(formdata=None), add_form=form, status=422)
    with transaction():
        ticket = quarantine.add_to_request(mail_id, form.number.data, by=operator(), now=utc_now())
    flash(f"Added to ticket {ticket.number} as an internal note.")
    return see_other(f"/console/support/{ticket.id}#latest")


@bp.post("/<uuid:mail_id>/dismiss")
@open_to(Audience.OPERATOR)
def dismiss(mail_id: UUID) -> ViewResponse:
    with transaction():
        quarantine.dismiss(mail_id)
    flash("Email dismissed.")
    return see_other("/console/support/email")


def _page(
    email: InboundMail, form: EmailRequestForm, *, add_form: AddEmailForm | None = None, status: int = 200
) -> ViewResponse:
    page = render_template(
        "portal/support/email.html",
        email=email,
        form=form,
        add_form=add_form or AddEmailForm(formdata=None),
        is_waiting=email.outcome == MailOutcome.QUARANTINED,
        reason_words=quarantine.REASON_LABELS,
    )
    return page, status
