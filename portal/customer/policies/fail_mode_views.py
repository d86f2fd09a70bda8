"""What happens when something fails, as the policies declare it: a missing fact, a condition, or the way to us."""

from typing import Any
from uuid import UUID

from flask import render_template
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length

from api.policies.fail_modes import OnUnreachable, Unreachable
from core.access import Audience, open_to
from core.errors import InvalidRequest
from core.forms import Form, stripped
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES
from portal.customer.policies.editing_views import EditedPolicies, EditingPages, edited_policies
from portal.customer.policies.entries import blame_fields, need_entry, with_entry, without_entry

PART = "fail-modes"

bp = EditingPages("policy_fail_modes", __name__, part=PART)


class FailModeForm(Form):
    operations = StringField(
        "Operations",
        filters=[stripped],
        description="Separated by commas. Leave empty to cover every operation that has no fail mode of its own.",
        validators=[Length(max=4_000)],
    )
    mode = RadioField(
        "If the service can't be reached",
        choices={
            Unreachable.BLOCK.value: "Block",
            Unreachable.ALLOW_AND_REPORT.value: "Allow, and report the decision later",
        },
        validators=[InputRequired("Choose what happens.")],
    )

    @classmethod
    def of(cls, declared: OnUnreachable | None) -> "FailModeForm":
        if declared is None:
            return cls(formdata=None)
        return cls(formdata=None, operations=", ".join(declared.operations), mode=declared.mode.value)

    def value(self) -> dict[str, Any]:
        operations = [part.strip() for part in (self.operations.data or "").split(",") if part.strip()]
        return {"mode": self.mode.data, "operations": operations}


@bp.get("")
@open_to(Audience.VIEWER)
def index(draft_id: UUID | None = None) -> ViewResponse:
    return render_template("portal/customer/policies/fail_modes.html", edited=edited_policies(draft_id)), 200


@bp.get("/new")
@open_to(Audience.DEVELOPER)
def new(draft_id: UUID | None = None) -> ViewResponse:
    return _form_page(edited_policies(draft_id), FailModeForm.of(None), place=None)


@bp.get("/<int(max=99):place>")
@open_to(Audience.DEVELOPER)
def edit(place: int, draft_id: UUID | None = None) -> ViewResponse:
    edited = edited_policies(draft_id)
    return _form_page(edited, FailModeForm.of(_declared(edited, place)[place]), place=place)


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
    _declared(edited, place)
    return _save(edited, place)


@bp.post("/<int(max=99):place>/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def remove(place: int, draft_id: UUID | None = None) -> ViewResponse:
    edited = edited_policies(draft_id)
    kept = without_entry(_declared(edited, place), place)
    return edited.save({"on_unreachable": kept}, title="Remove fail mode", part=PART)


def _save(edited: EditedPolicies, place: int | None) -> ViewResponse:
    form = FailModeForm()
    if form.validate():
        changed = with_entry(edited.document.on_unreachable, place, form.value())
        try:
            return edited.save({"on_unreachable": changed}, title="Fail mode", part=PART)
        except InvalidRequest as refused:
            blame_fields(form, refused)
    return _form_page(edited, form, place=place, status=422)


def _form_page(edited: EditedPolicies, form: FailModeForm, *, place: int | None, status: int = 200) -> ViewResponse:
    page = render_template("portal/customer/policies/fail_mode.html", edited=edited, form=form, place=place)
    return page, status


def _declared(edited: EditedPolicies, place: int) -> tuple[OnUnreachable, ...]:
    need_entry(edited.document.on_unreachable, place, "Fail mode")
    return edited.document.on_unreachable
