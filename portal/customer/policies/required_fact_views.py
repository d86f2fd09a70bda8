"""The page about facts that callers must send, and about what they never tell."""

from datetime import timedelta

import msgspec
from flask import render_template, request

from api.decisions.metadata_quality import MOST_LOOKED_AT, tellers
from api.keys import lookup
from api.policies.document import PolicyDocument
from api.policies.needed_facts import needed_facts
from core.access import Audience, Pages, active_membership, may, open_to
from core.clock import utc_now
from core.errors import InvalidRequest, NotFound
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES, in_force
from portal.customer.policies.proposal_views import proposal_page
from portal.customer.policies.required_fact_forms import RequiredFactForm

bp = Pages("policy_required_facts", __name__, url_prefix="/policies/required-facts")

BACK = "/policies/required-facts"
QUALITY_OVER = timedelta(days=7)


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    """What is required, and how well each key and application tells what the policies need."""
    organization_id, document = active_membership().organization_id, in_force()
    needed = needed_facts(document)
    found = tellers(organization_id, needed, since=utc_now() - QUALITY_OVER)
    return render_template(
        "portal/customer/policies/required_facts.html",
        document=document,
        needed=needed,
        tellers=found,
        key_names=lookup.names_of(organization_id, {one.key_id for one in found}),
        most_looked_at=MOST_LOOKED_AT,
        may_change=may(Audience.DEVELOPER),
    )


@bp.get("/new")
@open_to(Audience.DEVELOPER)
def new() -> ViewResponse:
    form = RequiredFactForm.offering(in_force())
    form.fact.data = request.args.get("fact", "")
    return _form_page(form, place=None)


@bp.get("/<int(max=99):place>")
@open_to(Audience.DEVELOPER)
def edit(place: int) -> ViewResponse:
    document = in_force()
    _need(document, place)
    return _form_page(RequiredFactForm.offering(document, document.required_facts[place]), place=place)


@bp.post("")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def preview_new() -> ViewResponse:
    return _preview(None)


@bp.post("/<int(max=99):place>")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def preview_change(place: int) -> ViewResponse:
    _need(in_force(), place)
    return _preview(place)


@bp.post("/<int(max=99):place>/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def preview_removal(place: int) -> ViewResponse:
    document = in_force()
    _need(document, place)
    kept = [msgspec.to_builtins(one) for index, one in enumerate(document.required_facts) if index != place]
    return proposal_page({"required_facts": kept}, title="Remove required fact", back=BACK)


def _preview(place: int | None) -> ViewResponse:
    document = in_force()
    form = RequiredFactForm.offering(document)
    if form.validate():
        required = [msgspec.to_builtins(one) for one in document.required_facts]
        at = len(required) if place is None else place
        required[at : at + 1] = [form.value()]
        try:
            return proposal_page({"required_facts": required}, title=f"Require {form.fact.data}", back=BACK)
        except InvalidRequest as refused:
            _blame(form, refused)
    return _form_page(form, place=place, status=422)


def _blame(form: RequiredFactForm, refused: InvalidRequest) -> None:
    """`required_facts[3].operations[0]` is the field operations."""
    faults = (
        msgspec.structs.replace(fault, path=fault.path.partition("]")[2].lstrip(".") or fault.path)
        for fault in refused.errors
    )
    form.blame(faults)


def _form_page(form: RequiredFactForm, *, place: int | None, status: int = 200) -> ViewResponse:
    return render_template("portal/customer/policies/required_fact.html", form=form, place=place), status


def _need(document: PolicyDocument, place: int) -> None:
    if place >= len(document.required_facts):
        raise NotFound("Required fact not found. It may have been removed.")
