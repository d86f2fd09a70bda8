"""The organization's pages: details, retention, taking the data out, closing the account, choosing another one."""

from typing import Any

from flask import flash, render_template, request

from billing import entitlements
from core import names, sessions
from core.access import Access, Pages, actor, open_to, seat, visitor
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import NotFound
from core.htmx import see_other
from core.profiles import find_profile
from core.throttle import per_address
from legal_docs import figures
from portal.organization import services
from portal.organization.forms import ClosingForm, DetailsForm, NameForm, RetentionForm
from portal.paging import parse_uuid
from portal.people import accounts

bp = Pages("organization", __name__)

RETENTION_PRESETS = (
    figures.SHORTEST_RETENTION_DAYS,
    figures.DEFAULT_RETENTION_DAYS,
    figures.HIGH_RISK_RETENTION_DAYS,
    365,
    figures.LONGEST_RETENTION_DAYS,
)


@bp.get("/organization")
@open_to(Access.VIEWER)
def index() -> Any:
    return _page(NameForm(formdata=None, name=seat().name))


@bp.post("/organization/name")
@open_to(Access.ADMIN)
def rename() -> Any:
    form = NameForm()
    if not form.validate():
        return _page(form, status=422)
    with transaction():
        services.rename(seat().organization_id, form.name.data, by=actor(), now=utc_now())
    flash("The name is changed.")
    return see_other("/organization")


@bp.get("/organization/details")
@open_to(Access.ADMIN)
def edit() -> Any:
    profile = find_profile(seat().organization_id)
    form = DetailsForm(formdata=None, obj=profile) if profile else _first_details()
    return render_template("portal/organization/details.html", form=form)


@bp.post("/organization/details")
@open_to(Access.ADMIN)
def update() -> Any:
    form = DetailsForm()
    if not form.validate():
        return render_template("portal/organization/details.html", form=form), 422
    with transaction():
        services.save_details(seat().organization_id, dict(form.data), by=actor(), now=utc_now())
    flash("The details are kept.")
    return see_other("/start" if seat().status == "sandbox" else "/organization")


@bp.get("/organization/retention")
@open_to(Access.VIEWER)
def retention() -> Any:
    organization = services.find(seat().organization_id)
    return _retention_page(RetentionForm(formdata=None, days=organization.retention_days))


@bp.post("/organization/retention")
@open_to(Access.ADMIN)
def set_retention() -> Any:
    form = RetentionForm()
    if not form.validate():
        return _retention_page(form, status=422)
    current = services.find(seat().organization_id).retention_days
    if form.days.data < current and request.form.get("confirmed") != str(form.days.data):
        return _retention_page(form, asks_about=form.days.data)
    try:
        with transaction():
            services.set_retention(seat().organization_id, form.days.data, by=actor(), now=utc_now())
    except services.RetentionBeyondPlan as refused:
        form.days.errors = [refused.detail]
        return _retention_page(form, status=int(refused.status))
    flash(f"Decisions are kept for {form.days.data} days.")
    return see_other("/organization/retention")


@bp.get("/organization/closing")
@open_to(Access.OWNER)
def closing() -> Any:
    return _closing_page(ClosingForm(formdata=None))


@bp.post("/organization/closing")
@open_to(Access.OWNER, fresh=True, at_rest=True)
def close() -> Any:
    form = ClosingForm()
    if form.validate() and not names.is_typed(form.typed.data, seat().name, otherwise=seat().slug):
        form.typed.errors = [f"Type {_to_type()}, exactly as it is written here."]
    if form.errors:
        return _closing_page(form, status=422)
    with transaction():
        services.close(seat().organization_id, by=actor(), now=utc_now())
    return see_other("/organization/closing")


@bp.post("/organization/closing/undo")
@open_to(Access.OWNER, fresh=True, at_rest=True)
def keep() -> Any:
    with transaction():
        services.keep(seat().organization_id, by=actor(), now=utc_now())
    flash("The account stays.")
    return see_other("/")


@bp.get("/organizations")
@open_to(Access.SIGNED_IN)
def choose_page() -> Any:
    return render_template("portal/organization/choose.html", form=NameForm(formdata=None))


@bp.post("/organizations/choose")
@open_to(Access.SIGNED_IN)
def choose() -> Any:
    wanted = parse_uuid(request.form.get("organization"))
    if wanted not in {held.organization_id for held in visitor().seats}:
        raise NotFound("You are not a member of this organization.")
    with acting_as_system(), transaction():
        sessions.choose_organization(visitor().session_id, wanted)
    return see_other("/")


@bp.post("/organizations")
@per_address("10 per hour")
@open_to(Access.SIGNED_IN)
def create() -> Any:
    """Another organization of one's own, beside those one belongs to."""
    form = NameForm()
    if not form.validate():
        return render_template("portal/organization/choose.html", form=form), 422
    if not visitor().is_confirmed:
        return see_other("/confirm-address")
    with acting_as_system(), transaction():
        user = accounts.lock(visitor().user_id)
        founded = accounts.found_organization(user, name=form.name.data, by=actor(), now=utc_now())
        sessions.choose_organization(visitor().session_id, founded.id)
    return see_other("/start")


def _page(form: NameForm, *, status: int = 200) -> Any:
    page = render_template(
        "portal/organization/index.html",
        organization=services.find(seat().organization_id),
        profile=find_profile(seat().organization_id),
        access=entitlements.access_for(seat().organization_id, now=utc_now()),
        name_form=form,
    )
    return page, status


def _first_details() -> DetailsForm:
    return DetailsForm(formdata=None, contact_name=visitor().name, contact_email=visitor().email)


def _retention_page(form: RetentionForm, *, asks_about: int | None = None, status: int = 200) -> Any:
    profile = find_profile(seat().organization_id)
    page = render_template(
        "portal/organization/retention.html",
        form=form,
        organization=services.find(seat().organization_id),
        presets=RETENTION_PRESETS,
        is_high_risk=profile is not None and profile.is_high_risk,
        high_risk_min=figures.HIGH_RISK_RETENTION_DAYS,
        asks_about=asks_about,
    )
    return page, status


def _closing_page(form: ClosingForm, *, status: int = 200) -> Any:
    organization = services.find(seat().organization_id)
    page = render_template("portal/organization/closing.html", form=form, organization=organization, to_type=_to_type())
    return page, status


def _to_type() -> str:
    """A name from before names were looked at may hold nothing that can be typed."""
    return names.typable(seat().name, otherwise=seat().slug)
