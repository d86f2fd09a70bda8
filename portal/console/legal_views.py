"""Documents and the register, as operators keep them: published after a recorded review, changed with notice."""

from datetime import UTC, date, datetime, time
from uuid import UUID

import msgspec
from flask import flash, render_template

from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.current import settings
from core.db import transaction
from core.errors import AppError, InvalidRequest
from core.htmx import see_other
from core.jobs import defer
from core.views import ViewResponse
from legal_docs import publishing
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import Entry, Review
from legal_docs.documents.kinds import TITLES, Kind
from legal_docs.documents.provider import provider_from
from legal_docs.documents.service_types import SERVICE_TYPES
from legal_docs.jobs import look_at_measures_again
from legal_docs.measures import services as measures
from legal_docs.measures.kinds import MEASURE_NAMES
from legal_docs.register import changes, effect, responses
from legal_docs.register import services as register
from legal_docs.register.changes import ChangeKind
from legal_docs.register.completeness import gaps_of, services_in_use
from portal.console import lifecycle
from portal.console.forms import AnswerForm, ChangeForm, PublishForm

bp = Pages("console_legal", __name__, url_prefix="/console")

_ENTRY_FIELDS = Entry.__struct_fields__


@bp.get("/documents")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    return _documents_page(PublishForm(formdata=None))


@bp.post("/documents")
@open_to(Audience.OPERATOR, fresh=True)
def publish() -> ViewResponse:
    form = PublishForm()
    if form.validate():
        now = utc_now()
        try:
            with transaction():
                version = publishing.publish(
                    Kind(form.kind.data),
                    number=form.number.data,
                    is_major=form.is_major.data,
                    summary=form.summary.data,
                    effective_at=max(now, _start_of(form.effective_on.data)),
                    review=Review(reviewer=form.reviewer.data, on=form.reviewed_on.data, note=form.review_note.data),
                    provider=provider_from(settings()),
                    settings=settings(),
                    by=operator(),
                    now=now,
                )
        except AppError as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
        else:
            flash(f"{version.title} {version.number} published. Notices are being sent.")
            return see_other("/console/documents")
    return _documents_page(form, status=422)


@bp.post("/documents/measures")
@open_to(Audience.OPERATOR)
def look_at_measures() -> ViewResponse:
    """The worker looks: other machines are asked, and nobody should wait for them here."""
    with transaction():
        defer(look_at_measures_again)
    flash("The checks have started. Reload this page in a moment.")
    return see_other("/console/documents")


@bp.get("/sub-processors")
@open_to(Audience.OPERATOR)
def sub_processors() -> ViewResponse:
    return _register_page(ChangeForm(formdata=None))


@bp.post("/sub-processors")
@open_to(Audience.OPERATOR, fresh=True)
def announce() -> ViewResponse:
    form = _change_form()
    if form.validate():
        kind, now = ChangeKind(form.kind.data), utc_now()
        entry = msgspec.convert({name: form[name].data or "" for name in _ENTRY_FIELDS}, Entry)
        try:
            with transaction():
                publishing.announce(
                    kind,
                    reason=form.reason.data,
                    takes_effect_at=_start_of(form.takes_effect_on.data),
                    entry=None if kind is ChangeKind.REMOVE else entry,
                    replaces=UUID(form.replaces.data) if form.replaces.data else None,
                    by=operator(),
                    now=now,
                )
        except AppError as refused:
            form.blame(refused.errors)
            form.form_errors.append(f"{refused.title}. {refused.detail}")
        else:
            flash("Change announced to every organization.")
            return see_other("/console/sub-processors")
    return _register_page(form, status=422)


@bp.post("/sub-processors/changes/<uuid:change_id>/withdraw")
@open_to(Audience.OPERATOR, fresh=True)
def withdraw(change_id: UUID) -> ViewResponse:
    with transaction():
        changes.withdraw(change_id, by=operator(), now=utc_now())
    flash("Change withdrawn.")
    return see_other("/console/sub-processors")


@bp.post("/sub-processors/responses/<uuid:response_id>/answer")
@open_to(Audience.OPERATOR, fresh=True)
def answer(response_id: UUID) -> ViewResponse:
    form = AnswerForm()
    if not form.validate():
        raise InvalidRequest(" ".join(form.errors["text"]))
    with transaction():
        responses.answer(response_id, text=form.text.data, by=operator(), now=utc_now())
    flash("Reply sent.")
    return see_other("/console/sub-processors")


def _companies() -> dict[str, str]:
    """For the form: which company a change is about."""
    return {"": "None", **{str(one.id): one.name for one in register.register()}}


def _change_form() -> ChangeForm:
    form = ChangeForm()
    form.replaces.choices = _companies()
    return form


def _documents_page(form: PublishForm, *, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/console/documents.html",
        form=form,
        documents=[(kind, TITLES[kind], documents.history(kind)) for kind in Kind],
        measures=measures.recorded(),
        measure_names=MEASURE_NAMES,
        now=utc_now(),
    )
    return page, status


def _register_page(form: ChangeForm, *, status: int = 200) -> ViewResponse:
    form.replaces.choices = _companies()
    waiting, every = responses.unanswered(), changes.every_change()
    page = render_template(
        "portal/console/register.html",
        form=form,
        register=register.register(),
        service_types=SERVICE_TYPES,
        gaps=gaps_of(register.entries(), services_in_use(settings())),
        changes=every,
        held={change.id: [lifecycle.find(one).name for one in effect.held_by(change)] for change in every},
        waiting=[(one, lifecycle.find(one.organization_id)) for one in waiting],
    )
    return page, status


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
