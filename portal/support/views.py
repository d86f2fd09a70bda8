"""The customer's side: what was asked, until when an answer is promised, and what was said."""

from typing import Any
from uuid import UUID

from flask import Response, flash, render_template, request

from api.keys.token import without_keys
from billing import entitlements
from core import current
from core.access import Audience, Pages, active_membership, actor, current_user, open_to
from core.accounts import Organization
from core.clock import utc_now
from core.db import db, transaction
from core.htmx import see_other
from core.ids import new_uuid
from core.throttle import per_person
from core.views import ViewResponse
from portal.support import records, services, sla_deadlines, uploads
from portal.support.contacts import contacts_for
from portal.support.forms import MessageForm, QuestionForm
from portal.support.labels import CLOCK_LABELS, OUTCOME_LABELS, OUTCOME_TONES
from portal.support.models import Ticket
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import CATEGORY_LABELS, SLA_TARGETS
from portal.support.states import LABELS, TONES, RequestStatus
from portal.support.uploads import FileRefused, Upload

bp = Pages("support", __name__, url_prefix="/support")

_PREFILLED = ("category", "severity", "api_key_id", "decision_id", "request_id", "environment", "subject")

_often = per_person("60 per hour")


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    organization, now = db.session.get_one(Organization, active_membership().organization_id), utc_now()
    return render_template(
        "portal/support/index.html",
        tickets=records.list_for(organization.id),
        words=LABELS,
        tones=TONES,
        promises=SLA_TARGETS,
        on_plan=entitlements.access_for(organization.id, now=now).limits.support,
        contacts=contacts_for(organization, now=now),
    )


@bp.get("/new")
@open_to(Audience.VIEWER)
def new() -> ViewResponse:
    """Other pages say in the address what it is about."""
    known = {name: request.args[name] for name in _PREFILLED if request.args.get(name)}
    return _form_page(QuestionForm(formdata=None, once=str(new_uuid()), **known))


@bp.post("")
@_often
@open_to(Audience.VIEWER, while_inactive=True, most_bytes=uploads.MOST_BYTES)
def create() -> ViewResponse:
    form = QuestionForm()
    if not form.validate():
        return _form_page(form, status=422)
    try:
        question = _question(form)
    except FileRefused as refusal:
        form.files.errors = [refusal.detail]
        return _form_page(form, status=422)
    with transaction():
        ticket = services.open_ticket(
            form.once_id(),
            question,
            organization_id=active_membership().organization_id,
            author=_author(),
            by=actor(),
            now=utc_now(),
        )
    flash(f"Support request {ticket.number} created. We sent you a confirmation email.")
    _warn_of_keys(question.subject, question.body)
    return see_other(f"/support/{ticket.id}")


@bp.get("/<uuid:ticket_id>")
@open_to(Audience.VIEWER)
def show(ticket_id: UUID) -> ViewResponse:
    return _ticket_page(records.find(ticket_id), MessageForm(formdata=None, once=str(new_uuid())))


@bp.post("/<uuid:ticket_id>/messages")
@_often
@open_to(Audience.VIEWER, while_inactive=True, most_bytes=uploads.MOST_BYTES)
def write(ticket_id: UUID) -> ViewResponse:
    ticket, form = records.find(ticket_id), MessageForm()
    if not form.validate():
        return _ticket_page(ticket, form, status=422)
    try:
        taken = _uploads()
    except FileRefused as refusal:
        form.files.errors = [refusal.detail]
        return _ticket_page(ticket, form, status=422)
    with transaction():
        services.write(
            ticket_id,
            form.body.data,
            message_id=form.once_id(),
            author=_author(),
            by=actor(),
            now=utc_now(),
            uploads=taken,
        )
    _warn_of_keys(form.body.data)
    return see_other(f"/support/{ticket_id}#latest")


@bp.post("/<uuid:ticket_id>/solved")
@open_to(Audience.VIEWER, while_inactive=True)
def solve(ticket_id: UUID) -> ViewResponse:
    with transaction():
        services.solve(ticket_id, by=actor(), now=utc_now())
    flash("Support request marked as resolved. If the problem returns, reply here within 14 days to reopen it.")
    return see_other(f"/support/{ticket_id}")


@bp.get("/<uuid:ticket_id>/files/<uuid:file_id>")
@open_to(Audience.VIEWER)
def download(ticket_id: UUID, file_id: UUID) -> ViewResponse:
    return file_answer(ticket_id, file_id)


def _warn_of_keys(*texts: str) -> None:
    if any(without_keys(text) != text for text in texts):
        flash("We removed an API key from your message. Treat it as leaked: rotate or revoke it.")


def file_answer(ticket_id: UUID, file_id: UUID) -> Response:
    """Never shown in the page, whatever it is: always a download."""
    file = records.find_file(ticket_id, file_id)
    answer = Response(file.content, content_type=file.content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def ticket_context(ticket: Ticket) -> dict[str, Any]:
    """What the pages of both sides show of a request."""
    now = utc_now()
    return {
        "ticket": ticket,
        "messages": records.messages(ticket.id),
        "files": records.files(ticket.id),
        "clocks": sla_deadlines.clocks_of(ticket.id, now=now),
        "now": now,
        "words": LABELS,
        "tones": TONES,
        "category_words": CATEGORY_LABELS,
        "clock_words": CLOCK_LABELS,
        "outcome_words": OUTCOME_LABELS,
        "outcome_tones": OUTCOME_TONES,
    }


def _question(form: QuestionForm) -> Question:
    """Raises FileRefused."""
    return Question(
        subject=form.subject.data,
        body=form.body.data,
        category=form.chosen_category(),
        severity=form.chosen_severity(),
        environment=form.environment.data or None,
        happened_at=form.moment(),
        api_key_id=form.api_key_id.data,
        decision_id=form.decision_id.data,
        request_id=form.request_id.data,
        uploads=_uploads(),
    )


def _uploads() -> tuple[Upload, ...]:
    return uploads.accept_all(request.files.getlist("files"))


def _author() -> Author:
    who = current_user()
    return Author(who.name, who.email, who.user_id)


def _form_page(form: QuestionForm, *, status: int = 200) -> ViewResponse:
    page = render_template("portal/support/new.html", form=form, promises=SLA_TARGETS, settings=current.settings())
    return page, status


def _ticket_page(ticket: Ticket, form: MessageForm, *, status: int = 200) -> ViewResponse:
    joined = records.find(ticket.merged_into) if ticket.merged_into else None
    page = render_template(
        "portal/support/show.html",
        form=form,
        joined=joined,
        may_write=services.may_be_written_to(ticket, now=utc_now()),
        is_waiting=ticket.status == RequestStatus.WAITING_ON_CUSTOMER,
        **ticket_context(ticket),
    )
    return page, status
