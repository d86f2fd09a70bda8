"""The queue of applications and what is done with one; organizations; suspending and restoring."""

from typing import Any
from uuid import UUID

from flask import flash, render_template, request

from billing import accounts, entitlements, mirror, refunds
from billing.plans import PLANS
from core.access import Audience, Pages, current_user, open_to, operator
from core.calendar import months_later
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.profiles import find_profile
from core.views import ViewResponse
from legal_docs import figures
from legal_docs.acceptances import services as acceptances
from portal.console import lifecycle
from portal.console import now as now_page
from portal.console.application_checks import checks_of
from portal.console.days import end_of
from portal.console.forms import ApprovalForm, DecisionForm, NoteForm, PilotForm, QuestionForm, ReasonForm
from portal.customer.applications import review
from portal.customer.applications import services as applications
from portal.customer.applications.models import Application
from portal.customer.applications.states import LABELS_FOR_OPERATORS, ApplicationStatus
from portal.customer.applications.welcome import call_slots
from portal.customer.audit_log import services as trail
from portal.customer.keys.overview import lines_page
from portal.customer.team import members
from portal.paging import chosen_uuid
from portal.status.labels import IMPACT_TONES
from portal.support import records
from portal.support import states as request_states
from portal.support.labels import CLOCK_LABELS

bp = Pages("console", __name__, url_prefix="/console")

ON_AUDIT_LOG = 10
MOST_REQUESTS = 20
MEMBERS_SHOWN = KEYS_SHOWN = 25
_MOST_LETTERS = 100


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    at = utc_now()
    seen = now_page.read(operator_id=current_user().user_id, now=at)
    return render_template(
        "portal/console/now.html",
        seen=seen,
        words=LABELS_FOR_OPERATORS,
        clock_words=CLOCK_LABELS,
        impact_tones=IMPACT_TONES,
        now=at,
    )


@bp.get("/applications")
@open_to(Audience.OPERATOR)
def waiting_applications() -> ViewResponse:
    return render_template("portal/console/queue.html", queue=review.queue(), words=LABELS_FOR_OPERATORS, now=utc_now())


@bp.get("/applications/<uuid:application_id>")
@open_to(Audience.OPERATOR)
def show_application(application_id: UUID) -> ViewResponse:
    return _application_page(applications.find(application_id), DecisionForm(formdata=None))


@bp.post("/applications/<uuid:application_id>/<any(approve, decline, defer, ask, note):verb>")
@open_to(Audience.OPERATOR, fresh=True)
def decide(application_id: UUID, verb: str) -> ViewResponse:
    """Then leads to the next that waits, the oldest first."""
    application, form = applications.find(application_id), _FORMS.get(verb, DecisionForm)()
    if not form.validate():
        form.words.id = f"words-{verb}"  # each action has a field of its own
        return _application_page(application, form, verb=verb, status=422)
    now, by, version = utc_now(), operator(), form.version.data
    with transaction():
        if verb == "approve":
            ends_at = end_of(form.pilot_ends_on.data) or months_later(now, figures.PILOT_MONTHS)
            review.approve(
                application,
                version=version,
                reason=form.words.data or "",
                pilot_ends_at=ends_at,
                call_slots=form.call_slots(),
                by=by,
                now=now,
            )
        elif verb == "decline":
            review.decline(application, version=version, reason=form.words.data, by=by, now=now)
        elif verb == "defer":
            review.defer(application, version=version, reason=form.words.data, by=by, now=now)
        elif verb == "ask":
            review.ask(application, version=version, question=form.words.data, by=by, now=now)
        else:
            review.note(application, body=form.words.data, by=by, now=now)
    flash(f"{lifecycle.find(application.organization_id).name}: {_DONE[verb]}")
    if verb == "note":
        return see_other(f"/console/applications/{application_id}")
    waiting = [one for one, _ in review.queue() if one.status == ApplicationStatus.SUBMITTED]
    return see_other(f"/console/applications/{waiting[0].id}" if waiting else "/console")


@bp.get("/organizations")
@open_to(Audience.OPERATOR)
def organizations() -> ViewResponse:
    words = request.args.get("q", "").strip()
    after = chosen_uuid(request.args.get("after"))
    page = lifecycle.search(words, after=after)
    return render_template("portal/console/organizations.html", page=page, words=words, is_first=after is None)


@bp.get("/organizations/<uuid:organization_id>")
@open_to(Audience.OPERATOR)
def show_organization(organization_id: UUID) -> ViewResponse:
    return _organization_page(organization_id, ReasonForm(formdata=None))


@bp.get("/organizations/<uuid:organization_id>/audit-trail")
@open_to(Audience.OPERATOR)
def show_audit_log(organization_id: UUID) -> ViewResponse:
    organization = lifecycle.find(organization_id)
    page = trail.list_page(organization_id, after=chosen_uuid(request.args.get("after")))
    return render_template("portal/console/audit_log.html", organization=organization, page=page)


@bp.post("/organizations/<uuid:organization_id>/<any(suspend, restore):verb>")
@open_to(Audience.OPERATOR, fresh=True)
def change_status(organization_id: UUID, verb: str) -> ViewResponse:
    form = ReasonForm()
    if not form.validate():
        return _organization_page(organization_id, form, status=422)
    act = lifecycle.suspend if verb == "suspend" else lifecycle.restore
    with transaction():
        act(organization_id, reason=form.reason.data, by=operator(), now=utc_now())
    flash(
        "Organization suspended. All API keys are disabled within a second."
        if verb == "suspend"
        else "Organization restored. We emailed the owners."
    )
    return see_other(f"/console/organizations/{organization_id}")


@bp.post("/organizations/<uuid:organization_id>/pilot")
@open_to(Audience.OPERATOR, fresh=True)
def move_pilot_end(organization_id: UUID) -> ViewResponse:
    form = PilotForm()
    ends_at = end_of(form.ends_on.data) if form.validate() else None
    if ends_at is None:
        raise InvalidRequest("Choose the date when the pilot ends.")
    with transaction():
        lifecycle.move_pilot_end(organization_id, ends_at, by=operator(), now=utc_now())
    flash("Pilot end date saved.")
    return see_other(f"/console/organizations/{organization_id}")


_CHANGED = {
    "suspend": "Organization suspended. All API keys are disabled within a second.",
    "restore": "Organization restored. We emailed the owners.",
}
_DONE = {
    "approve": "Approved. We emailed the owners.",
    "decline": "Declined. We emailed the owners.",
    "defer": "Postponed. We emailed the owners.",
    "ask": "Information requested. We emailed the owners.",
    "note": "Internal note added.",
}
_FORMS: dict[str, type[DecisionForm]] = {"approve": ApprovalForm, "ask": QuestionForm, "note": NoteForm}


def _application_page(
    application: Application, form: DecisionForm, *, verb: str = "", status: int = 200
) -> ViewResponse:
    organization_id = application.organization_id
    accepted, profile = acceptances.history(organization_id), find_profile(organization_id)
    page = render_template(
        "portal/console/application.html",
        application=application,
        state=ApplicationStatus(application.status),
        words=LABELS_FOR_OPERATORS,
        organization=lifecycle.find(organization_id),
        profile=profile,
        checks=checks_of(profile, {one.kind for one in accepted}),
        members=members.list_page(organization_id, size=MEMBERS_SHOWN),
        acceptances=accepted,
        verb=verb,
        messages=applications.messages(application.id),
        form=form,
        pilot_ends_on=months_later(utc_now(), figures.PILOT_MONTHS).date(),
        slots=call_slots(utc_now()),
    )
    return page, status


def _organization_page(organization_id: UUID, form: ReasonForm, *, status: int = 200) -> ViewResponse:
    now = utc_now()
    organization = lifecycle.find(organization_id)
    page = render_template(
        "portal/console/organization.html",
        organization=organization,
        profile=find_profile(organization_id),
        members=members.list_page(organization_id, **_list("member"), size=MEMBERS_SHOWN),
        keys=lines_page(
            organization_id, **_list("key"), is_in_use="ended" not in request.args, size=KEYS_SHOWN, now=now
        ),
        asked=request.args,
        acceptances=acceptances.history(organization_id),
        application=applications.latest(organization_id),
        words=LABELS_FOR_OPERATORS,
        usage=lifecycle.usage_of(organization_id, now=now),
        access=entitlements.access_for(organization_id, now=now),
        account=accounts.find_account(organization_id),
        plans=PLANS,
        invoices=mirror.invoices_of(organization_id),
        at_stake=refunds.at_stake(organization_id),
        charged_without_access=entitlements.charged_without_access(organization),
        page=trail.list_page(organization_id, size=ON_AUDIT_LOG),
        requests=records.list_for(organization_id, most=MOST_REQUESTS),
        most_requests=MOST_REQUESTS,
        request_words=request_states.FOR_OPERATORS,
        request_tones=request_states.TONES,
        form=form,
    )
    return page, status


def _list(noun: str) -> dict[str, Any]:
    """Which page of the organization's members or keys is asked for."""
    text = request.args.get(f"{noun}_q", "").strip()[:_MOST_LETTERS]
    return {"text": text, "after": chosen_uuid(request.args.get(f"{noun}_after"))}
