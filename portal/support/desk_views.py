"""The operators' side: the queue by due time, a ticket and all that can be done with it, feature requests, on call."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import flash, render_template, request

from core.access import Audience, Pages, current_user, open_to, operator
from core.accounts import Organization
from core.clock import utc_now
from core.db import db, transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.ids import new_uuid
from core.members import User
from core.views import ViewResponse
from portal.paging import chosen_uuid, parse_uuid
from portal.support import desk, queue, records, replies, rota, sla_deadlines, uploads
from portal.support.forms import (
    AnswerForm,
    AssignForm,
    EscalateForm,
    FeatureRequestForm,
    MergeForm,
    NoteForm,
    WeighForm,
)
from portal.support.inbound import quarantine
from portal.support.models import Ticket
from portal.support.queue import View
from portal.support.records import Author
from portal.support.replies import REPLIES, Template
from portal.support.severities import LEVEL_LABELS, Level, Severity
from portal.support.states import FOR_OPERATORS, TONES, RequestStatus
from portal.support.uploads import FileRefused
from portal.support.views import file_answer, ticket_context

bp = Pages("desk", __name__, url_prefix="/console/support")


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    view = request.args.get("view", View.UNDER_WAY)
    chosen = View(view) if view in set(View) else View.UNDER_WAY
    return render_template(
        "portal/support/queue.html",
        lines=queue.read(chosen, mine=current_user().user_id),
        counts=queue.counts(mine=current_user().user_id),
        quarantined=quarantine.count(),
        chosen=chosen,
        view_words=queue.WORDS,
        words=FOR_OPERATORS,
        tones=TONES,
        level_words=LEVEL_LABELS,
        now=utc_now(),
    )


@bp.get("/<uuid:ticket_id>")
@open_to(Audience.OPERATOR)
def show(ticket_id: UUID) -> ViewResponse:
    ticket = records.find(ticket_id)
    is_waiting = ticket.status == RequestStatus.WAITING_ON_CUSTOMER
    then = RequestStatus.WAITING_ON_CUSTOMER if is_waiting else RequestStatus.OPEN
    form = AnswerForm(formdata=None, once=str(new_uuid()), body=_template_for(ticket), then=then.value)
    return _page(ticket, form)


@bp.post("/<uuid:ticket_id>/answer")
@open_to(Audience.OPERATOR, most_bytes=uploads.MOST_BYTES)
def answer(ticket_id: UUID) -> ViewResponse:
    ticket, form = records.find(ticket_id), AnswerForm()
    if form.validate() and replies.blanks_in(form.body.data):
        form.body.errors = [f"Fill in or delete {', '.join(replies.blanks_in(form.body.data))}."]
    if form.errors:
        return _page(ticket, form, status=422)
    try:
        taken = uploads.accept_all(request.files.getlist("files"))
    except FileRefused as refusal:
        form.files.errors = [refusal.detail]
        return _page(ticket, form, status=422)
    with transaction():
        desk.answer(
            ticket_id,
            form.body.data,
            then=RequestStatus(form.then.data),
            message_id=form.once_id(),
            author=_author(),
            by=operator(),
            now=utc_now(),
            uploads=taken,
        )
    flash("Reply sent. We emailed the customer.")
    return see_other(f"/console/support/{ticket_id}#latest")


@bp.post("/<uuid:ticket_id>/note")
@open_to(Audience.OPERATOR)
def note(ticket_id: UUID) -> ViewResponse:
    form = NoteForm()
    if not form.validate():
        raise InvalidRequest("Enter a note.")
    with transaction():
        desk.write_note(
            ticket_id,
            form.body.data,
            message_id=form.once_id(),
            author=_author(),
            by=operator(),
            now=utc_now(),
        )
    flash("Internal note added.")
    return see_other(f"/console/support/{ticket_id}#latest")


@bp.post("/<uuid:ticket_id>/assign")
@open_to(Audience.OPERATOR)
def assign(ticket_id: UUID) -> ViewResponse:
    form = _valid(AssignForm())
    assignee_id = parse_uuid(form.assignee.data)
    if assignee_id is not None and assignee_id not in {one.id for one in desk.operators()}:
        raise InvalidRequest("Choose an operator from the list.")
    with transaction():
        desk.assign(ticket_id, assignee_id, version=form.version.data, by=operator(), now=utc_now())
    flash("Ticket assigned." if assignee_id else "Ticket unassigned.")
    return see_other(f"/console/support/{ticket_id}")


@bp.post("/<uuid:ticket_id>/severity")
@open_to(Audience.OPERATOR)
def weigh(ticket_id: UUID) -> ViewResponse:
    form = _valid(WeighForm())
    with transaction():
        desk.weigh(
            ticket_id,
            Severity(form.severity.data),
            reason=form.reason.data,
            version=form.version.data,
            by=operator(),
            now=utc_now(),
        )
    flash("Severity changed. SLA deadlines were updated.")
    return see_other(f"/console/support/{ticket_id}")


@bp.post("/<uuid:ticket_id>/escalate")
@open_to(Audience.OPERATOR)
def escalate(ticket_id: UUID) -> ViewResponse:
    form = _valid(EscalateForm())
    with transaction():
        desk.escalate(ticket_id, reason=form.reason.data, version=form.version.data, by=operator(), now=utc_now())
    flash("Ticket escalated. We emailed the team.")
    return see_other(f"/console/support/{ticket_id}")


@bp.post("/<uuid:ticket_id>/merge")
@open_to(Audience.OPERATOR)
def merge(ticket_id: UUID) -> ViewResponse:
    form = _valid(MergeForm())
    with transaction():
        into = desk.merge(ticket_id, form.number.data, version=form.version.data, by=operator(), now=utc_now())
    flash(f"Merged into ticket {into.number}.")
    return see_other(f"/console/support/{into.id}")


@bp.post("/<uuid:ticket_id>/feature-request")
@open_to(Audience.OPERATOR)
def set_feature_request(ticket_id: UUID) -> ViewResponse:
    form = _valid(FeatureRequestForm())
    with transaction():
        is_news = desk.set_feature_request(
            ticket_id, form.wish.data or None, version=form.version.data, by=operator(), now=utc_now()
        )
    words = "Feature request saved." if form.wish.data else "Feature request removed."
    flash(words if is_news else "Nothing was changed.")
    return see_other(f"/console/support/{ticket_id}")


@bp.get("/<uuid:ticket_id>/files/<uuid:file_id>")
@open_to(Audience.OPERATOR)
def download(ticket_id: UUID, file_id: UUID) -> ViewResponse:
    return file_answer(ticket_id, file_id)


@bp.get("/feature-requests")
@open_to(Audience.OPERATOR)
def feature_requests() -> ViewResponse:
    return render_template("portal/support/feature_requests.html", features=desk.feature_requests())


@bp.get("/on-call")
@open_to(Audience.OPERATOR)
def on_call() -> ViewResponse:
    return render_template("portal/support/on_call.html", weeks=rota.weeks(utc_now()), operators=desk.operators())


@bp.post("/on-call")
@open_to(Audience.OPERATOR)
def put_on_call() -> ViewResponse:
    """One week at a time: of two who change the same, the last one counts, and the audit log knows both."""
    try:
        monday = date.fromisoformat(request.form.get("monday", ""))
    except ValueError as error:
        raise InvalidRequest("Choose a week from the list.") from error
    who = chosen_uuid(request.form.get("who"))
    is_shown = monday in {week.monday for week in rota.weeks(utc_now())}
    if not is_shown or (who is not None and who not in {one.id for one in desk.operators()}):
        raise InvalidRequest("Choose a week and an operator from the list.")
    with transaction():
        rota.put_on_call(monday, who, by=operator(), now=utc_now())
    return see_other("/console/support/on-call")


def _valid(form: Any) -> Any:
    """Raises InvalidRequest with the first thing to correct; these forms have one or two fields."""
    if not form.validate():
        raise InvalidRequest(next(error for errors in form.errors.values() for error in errors))
    return form


def _author() -> Author:
    who = current_user()
    return Author(who.name, who.email, who.user_id)


def _template_for(ticket: Ticket) -> str:
    """The words of the template in the address, or none."""
    wanted = request.args.get("template", "")
    if wanted not in set(Template):
        return ""
    return replies.written(
        Template(wanted), name=ticket.requester_name, severity=ticket.severity, operator=current_user().name
    )


def _page(ticket: Ticket, form: AnswerForm, *, status: int = 200) -> ViewResponse:
    organization = db.session.get(Organization, ticket.organization_id) if ticket.organization_id else None
    page = render_template(
        "portal/support/desk.html",
        form=form,
        note_form=NoteForm(formdata=None, once=str(new_uuid())),
        organization=organization,
        replies=REPLIES,
        severities=list(Severity),
        operators=desk.operators(),
        assignee=db.session.get(User, ticket.assignee_id) if ticket.assignee_id else None,
        on_call=rota.on_call_at(utc_now()),
        level_words=LEVEL_LABELS,
        level=Level(ticket.level),
        misses=sla_deadlines.misses_of(ticket.id),
        originals=quarantine.originals_of(ticket.id),
        **{**ticket_context(ticket), "words": FOR_OPERATORS},
    )
    return page, status
