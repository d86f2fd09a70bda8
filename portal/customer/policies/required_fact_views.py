"""The page about facts that callers must send, and about what they never tell."""

from datetime import timedelta
from uuid import UUID

from flask import render_template, request

from api.decisions.metadata_quality import MOST_LOOKED_AT, callers
from api.keys import lookup
from api.policies.needed_facts import needed_facts
from api.policies.required_facts import RequiredFact
from core.access import Audience, active_membership, open_to
from core.clock import utc_now
from core.errors import InvalidRequest
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES
from portal.customer.policies.editing_views import EditedPolicies, EditingPages, edited_policies
from portal.customer.policies.entries import blame_fields, need_entry, with_entry, without_entry
from portal.customer.policies.required_fact_forms import RequiredFactForm

PART = "required-facts"

bp = EditingPages("policy_required_facts", __name__, part=PART)

KIND = "Required fact"
QUALITY_OVER = timedelta(days=7)


@bp.get("")
@open_to(Audience.VIEWER)
def index(draft_id: UUID | None = None) -> ViewResponse:
    """What is required, and how well each key and application tells what the policies need."""
    organization_id, edited = active_membership().organization_id, edited_policies(draft_id)
    needed = needed_facts(edited.document)
    found = callers(organization_id, needed, since=utc_now() - QUALITY_OVER)
    return render_template(
        "portal/customer/policies/required_facts.html",
        edited=edited,
        needed=needed,
        callers=found,
        key_names=lookup.names_of(organization_id, {one.key_id for one in found}),
        most_looked_at=MOST_LOOKED_AT,
    )


@bp.get("/new")
@open_to(Audience.DEVELOPER)
def new(draft_id: UUID | None = None) -> ViewResponse:
    edited = edited_policies(draft_id)
    form = RequiredFactForm.offering(edited.document)
    form.fact.data = request.args.get("fact", "")
    return _form_page(edited, form, place=None)


@bp.get("/<int(max=99):place>")
@open_to(Audience.DEVELOPER)
def edit(place: int, draft_id: UUID | None = None) -> ViewResponse:
    edited = edited_policies(draft_id)
    form = RequiredFactForm.offering(edited.document, _required(edited, place)[place])
    return _form_page(edited, form, place=place)


@bp.post("")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create(draft_id: UUID | None = None) -> ViewResponse:
    return _save(edited_policies(draft_id), None)


@bp.post("/<int(max=99):place>")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def update(place: int, draft_id: UUID | None = None) -> ViewResponse:
    edited = edited_policies(draft_id)
    _required(edited, place)
    return _save(edited, place)


@bp.post("/<int(max=99):place>/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def remove(place: int, draft_id: UUID | None = None) -> ViewResponse:
    edited = edited_policies(draft_id)
    kept = without_entry(_required(edited, place), place)
    return edited.save({"required_facts": kept}, title="Remove required fact", part=PART)


def _save(edited: EditedPolicies, place: int | None) -> ViewResponse:
    form = RequiredFactForm.offering(edited.document)
    if form.validate():
        required = with_entry(edited.document.required_facts, place, form.value())
        try:
            return edited.save({"required_facts": required}, title=f"Require {form.fact.data}", part=PART)
        except InvalidRequest as refused:
            blame_fields(form, refused)
    return _form_page(edited, form, place=place, status=422)


def _form_page(edited: EditedPolicies, form: RequiredFactForm, *, place: int | None, status: int = 200) -> ViewResponse:
    page = render_template("portal/customer/policies/required_fact.html", edited=edited, form=form, place=place)
    return page, status


def _required(edited: EditedPolicies, place: int) -> tuple[RequiredFact, ...]:
    need_entry(edited.document.required_facts, place, KIND)
    return edited.document.required_facts
