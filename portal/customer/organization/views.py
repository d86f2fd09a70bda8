"""The organization's pages: details, retention, taking the data out, closing the account, choosing another one."""

from flask import flash, render_template, request

from billing import entitlements
from core import names, sessions
from core.access import Audience, Pages, active_membership, actor, current_user, open_to
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import NotFound
from core.htmx import see_other
from core.profiles import find_profile
from core.throttle import per_address
from core.views import ViewResponse
from legal_docs import figures
from portal.customer.organization import services
from portal.customer.organization.forms import ClosingForm, DetailsForm, NameForm, RetentionForm
from portal.customer.people import accounts
from portal.paging import parse_uuid

bp = Pages("organization", __name__)

RETENTION_PRESETS = (
    figures.SHORTEST_RETENTION_DAYS,
    figures.DEFAULT_RETENTION_DAYS,
    figures.HIGH_RISK_RETENTION_DAYS,
    365,
    figures.LONGEST_RETENTION_DAYS,
)


@bp.get("/organization")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return _page(NameForm(formdata=None, name=active_membership().name))


@bp.post("/organization/name")
@open_to(Audience.ADMIN)
def rename() -> ViewResponse:
    form = NameForm()
    if not form.validate():
        return _page(form, status=422)
    with transaction():
        services.rename(active_membership().organization_id, form.name.data, by=actor(), now=utc_now())
    flash("Name saved.")
    return see_other("/organization")


@bp.get("/organization/details")
@open_to(Audience.ADMIN)
def edit() -> ViewResponse:
    profile = find_profile(active_membership().organization_id)
    form = DetailsForm(formdata=None, obj=profile) if profile else _first_details()
    return render_template("portal/customer/organization/details.html", form=form)


@bp.post("/organization/details")
@open_to(Audience.ADMIN)
def update() -> ViewResponse:
    form = DetailsForm()
    if not form.validate():
        return render_template("portal/customer/organization/details.html", form=form), 422
    organization_id = active_membership().organization_id
    is_first = find_profile(organization_id) is None
    with transaction():
        services.save_details(organization_id, dict(form.data), by=actor(), now=utc_now())
    flash("Details saved.")
    if active_membership().status != "sandbox":
        return see_other("/organization")
    return see_other("/legal/accept" if is_first else "/start")


@bp.get("/organization/retention")
@open_to(Audience.VIEWER)
def retention() -> ViewResponse:
    organization = services.find(active_membership().organization_id)
    return _retention_page(RetentionForm(formdata=None, days=organization.retention_days))


@bp.post("/organization/retention")
@open_to(Audience.ADMIN)
def set_retention() -> ViewResponse:
    form = RetentionForm()
    if not form.validate():
        return _retention_page(form, status=422)
    current = services.find(active_membership().organization_id).retention_days
    if form.days.data < current and request.form.get("confirmed") != str(form.days.data):
        return _retention_page(form, asks_about=form.days.data)
    try:
        with transaction():
            services.set_retention(active_membership().organization_id, form.days.data, by=actor(), now=utc_now())
    except services.RetentionBeyondPlan as refused:
        form.days.errors = [refused.detail]
        return _retention_page(form, status=int(refused.status))
    flash(f"Saved. Decisions are kept for {form.days.data:,} days.")
    return see_other("/organization/retention")


@bp.get("/organization/closing")
@open_to(Audience.OWNER)
def closing() -> ViewResponse:
    return _closing_page(ClosingForm(formdata=None))


@bp.post("/organization/closing")
@open_to(Audience.OWNER, fresh=True, while_inactive=True)
def close() -> ViewResponse:
    form = ClosingForm()
    if form.validate() and not names.is_typed(
        form.typed.data, active_membership().name, otherwise=active_membership().slug
    ):
        form.typed.errors = [f"Type {_to_type()} exactly as shown."]
    if form.errors:
        return _closing_page(form, status=422)
    with transaction():
        services.close(active_membership().organization_id, by=actor(), now=utc_now())
    return see_other("/organization/closing")


@bp.post("/organization/closing/undo")
@open_to(Audience.OWNER, fresh=True, while_inactive=True)
def cancel_closing() -> ViewResponse:
    with transaction():
        services.cancel_closing(active_membership().organization_id, by=actor(), now=utc_now())
    flash("Closure canceled. Your organization stays open.")
    return see_other("/")


@bp.get("/organizations")
@open_to(Audience.SIGNED_IN)
def choose_page() -> ViewResponse:
    return render_template("portal/customer/organization/choose.html", form=NameForm(formdata=None))


@bp.post("/organizations/choose")
@open_to(Audience.SIGNED_IN)
def choose() -> ViewResponse:
    wanted = parse_uuid(request.form.get("organization"))
    if wanted not in {held.organization_id for held in current_user().memberships}:
        raise NotFound("You are not a member of this organization.")
    with acting_as_system(), transaction():
        sessions.choose_organization(current_user().session_id, wanted)
    return see_other("/")


@bp.post("/organizations")
@per_address("10 per hour")
@open_to(Audience.SIGNED_IN)
def create() -> ViewResponse:
    """Another organization of one's own, beside those one belongs to."""
    form = NameForm()
    if not form.validate():
        return render_template("portal/customer/organization/choose.html", form=form), 422
    if not current_user().is_confirmed:
        return see_other("/confirm-address")
    with acting_as_system(), transaction():
        user = accounts.lock(current_user().user_id)
        founded = accounts.found_organization(user, name=form.name.data, by=actor(), now=utc_now())
        sessions.choose_organization(current_user().session_id, founded.id)
    return see_other("/start")


def _page(form: NameForm, *, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/organization/index.html",
        organization=services.find(active_membership().organization_id),
        profile=find_profile(active_membership().organization_id),
        access=entitlements.access_for(active_membership().organization_id, now=utc_now()),
        name_form=form,
    )
    return page, status


def _first_details() -> DetailsForm:
    return DetailsForm(formdata=None, contact_name=current_user().name, contact_email=current_user().email)


def _retention_page(form: RetentionForm, *, asks_about: int | None = None, status: int = 200) -> ViewResponse:
    organization = services.find(active_membership().organization_id)
    profile = find_profile(organization.id)
    longest = services.longest_retention(organization, now=utc_now())
    page = render_template(
        "portal/customer/organization/retention.html",
        form=form,
        organization=organization,
        longest=longest,
        presets=[days for days in RETENTION_PRESETS if days <= longest],
        is_high_risk=profile is not None and profile.is_high_risk,
        high_risk_min=figures.HIGH_RISK_RETENTION_DAYS,
        asks_about=asks_about,
    )
    return page, status


def _closing_page(form: ClosingForm, *, status: int = 200) -> ViewResponse:
    organization = services.find(active_membership().organization_id)
    page = render_template(
        "portal/customer/organization/closing.html", form=form, organization=organization, to_type=_to_type()
    )
    return page, status


def _to_type() -> str:
    """A name from before names were looked at may hold nothing that can be typed."""
    return names.typable(active_membership().name, otherwise=active_membership().slug)
