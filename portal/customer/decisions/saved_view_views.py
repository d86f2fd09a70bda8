"""Saving the log's filters under a name, and the list of what a member saved."""

from urllib.parse import urlencode
from uuid import UUID

from flask import flash, render_template, request
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from core.access import Audience, Pages, active_membership, current_user, open_to
from core.clock import utc_now
from core.db import transaction
from core.forms import Form, OneLine, stripped
from core.htmx import see_other
from core.views import ViewResponse
from portal.customer.decisions import saved_views
from portal.customer.decisions.filters import Chosen, chosen_from

bp = Pages("saved_views", __name__, url_prefix="/decisions/views")

MOST_CHARACTERS = 40


class SaveViewForm(Form):
    name = StringField(
        "Name",
        filters=[stripped],
        description="Only you can see your saved views. Saving under an existing name replaces that view.",
        validators=[DataRequired("Enter a name."), Length(max=MOST_CHARACTERS), OneLine()],
    )


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return render_template("portal/customer/decisions/saved_views.html", views=_own_views())


@bp.get("/new")
@open_to(Audience.VIEWER)
def new() -> ViewResponse:
    return _page(SaveViewForm(formdata=None), chosen_from(request.args, now=utc_now()))


@bp.post("")
@open_to(Audience.VIEWER)
def create() -> ViewResponse:
    form, chosen = SaveViewForm(), chosen_from(request.args, now=utc_now())
    if not form.validate() or _fault_of(chosen):
        return _page(form, chosen, status=422)
    try:
        with transaction():
            saved_views.save(
                active_membership().organization_id,
                current_user().user_id,
                name=form.name.data,
                filters=chosen.kept,
            )
    except saved_views.TooManyViews as refused:
        form.form_errors.append(f"{refused.title}. {refused.detail}")
        return _page(form, chosen, status=409)
    flash("View saved.")
    return see_other(f"/decisions?{urlencode(chosen.kept)}")


@bp.post("/<uuid:view_id>/delete")
@open_to(Audience.VIEWER)
def delete(view_id: UUID) -> ViewResponse:
    with transaction():
        saved_views.remove(active_membership().organization_id, current_user().user_id, view_id)
    flash("View deleted.")
    return see_other("/decisions/views")


def _own_views() -> list[saved_views.SavedView]:
    return saved_views.views_of(active_membership().organization_id, current_user().user_id)


def _fault_of(chosen: Chosen) -> str | None:
    """Why these filters can't be saved."""
    if "subject" in chosen.kept:
        return "A view can't contain a subject, because subjects are stored as hashes only. Remove this filter first."
    return chosen.fault or (None if chosen.kept else "Choose at least one filter in the decision log first.")


def _page(form: SaveViewForm, chosen: Chosen, *, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/decisions/saved_view_new.html", form=form, chosen=chosen, fault=_fault_of(chosen)
    )
    return page, status
