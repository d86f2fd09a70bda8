"""What a draft says: its name, its settings and its rules, each changed by a form that names the revision seen."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import flash, render_template

from api.policies.conditions.checking import ground_of
from api.policies.drafts import services as drafts
from api.policies.drafts.errors import DraftChanged
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import AppError, InvalidRequest
from core.forms import Form
from core.htmx import see_other
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES
from portal.customer.policies.drafts.forms import DetailsForm
from portal.customer.policies.forms import LISTS, NUMBERS, SWITCHES, PoliciesForm, SeenVersionForm
from portal.customer.policies.rule_form import RuleForm
from portal.customer.policies.rule_page import rule_page
from portal.customer.policies.rule_saving import blame_rule, place_of, rule_of, rules_with, rules_without

bp = Pages("policy_draft_content", __name__, url_prefix="/policies/drafts/<uuid:draft_id>")


@bp.get("/details")
@open_to(Audience.DEVELOPER)
def details(draft_id: UUID) -> ViewResponse:
    draft = _find(draft_id)
    return _details(draft, DetailsForm(formdata=None, name=draft.name, note=draft.note))


@bp.post("/details")
@open_to(Audience.DEVELOPER)
def rename(draft_id: UUID) -> ViewResponse:
    draft, form, seen = _find(draft_id), DetailsForm(), SeenVersionForm()
    if not seen.validate():
        raise DraftChanged
    if not form.validate():
        return _details(draft, form, status=422)
    with transaction():
        drafts.rename(
            active_membership().organization_id,
            draft,
            name=form.name.data,
            note=form.note.data,
            expected_revision=seen.version.data,
            by=actor(),
            now=utc_now(),
        )
    return see_other(f"/policies/drafts/{draft_id}")


@bp.get("/settings")
@open_to(Audience.VIEWER)
def settings(draft_id: UUID) -> ViewResponse:
    draft = _find(draft_id)
    return _settings(draft, PoliciesForm.of(draft.revision, draft.document))


@bp.post("/settings")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def update_settings(draft_id: UUID) -> ViewResponse:
    draft, form = _find(draft_id), PoliciesForm()
    if form.validate():
        try:
            _change(draft, form.values(), form)
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            flash("Draft saved.")
            return see_other(f"/policies/drafts/{draft_id}")
    return _settings(draft, form, status=422)


@bp.get("/rules/new")
@open_to(Audience.DEVELOPER)
def new_rule(draft_id: UUID) -> ViewResponse:
    draft = _find(draft_id)
    ground = ground_of(draft.document)
    return rule_page(RuleForm.of(draft.revision, None, ground), ground, code=None, draft=draft)


@bp.get("/rules/<code>")
@open_to(Audience.VIEWER)
def edit_rule(draft_id: UUID, code: str) -> ViewResponse:
    draft = _find(draft_id)
    ground = ground_of(draft.document)
    form = RuleForm.of(draft.revision, rule_of(draft.document, code), ground)
    return rule_page(form, ground, code=code, draft=draft)


@bp.post("/rules")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create_rule(draft_id: UUID) -> ViewResponse:
    return _save_rule(_find(draft_id), None)


@bp.post("/rules/<code>")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def update_rule(draft_id: UUID, code: str) -> ViewResponse:
    return _save_rule(_find(draft_id), code)


@bp.post("/rules/<code>/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def delete_rule(draft_id: UUID, code: str) -> ViewResponse:
    draft, form = _find(draft_id), SeenVersionForm()
    if not form.validate():
        raise DraftChanged
    _change(draft, {"rules": rules_without(draft.document, code)}, form)
    flash(f"Rule {code} deleted from this draft.")
    return see_other(f"/policies/drafts/{draft_id}")


def _find(draft_id: UUID) -> drafts.Draft:
    return drafts.find(active_membership().organization_id, draft_id)


def _change(draft: drafts.Draft, values: Mapping[str, Any], form: Form) -> None:
    with transaction():
        drafts.change(
            active_membership().organization_id,
            draft,
            values,
            expected_revision=form["version"].data,
            by=actor(),
            now=utc_now(),
        )


def _save_rule(draft: drafts.Draft, code: str | None) -> ViewResponse:
    form, ground, place = RuleForm(), ground_of(draft.document), place_of(draft.document, code)
    form.over(ground)
    if form.do.data:
        form.changed_by(form.do.data, ground)
        return rule_page(form, ground, code=code, draft=draft)
    if form.validate() & form.blame_rows():
        try:
            _change(draft, {"rules": rules_with(draft.document, place, form)}, form)
        except InvalidRequest as refused:
            blame_rule(form, refused, place)
        except AppError as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
        else:
            flash("Rule saved in this draft.")
            return see_other(f"/policies/drafts/{draft.id}")
    return rule_page(form, ground, code=code, draft=draft, status=422)


def _details(draft: drafts.Draft, form: DetailsForm, *, status: int = 200) -> ViewResponse:
    return render_template("portal/customer/policies/drafts/details.html", draft=draft, form=form), status


def _settings(draft: drafts.Draft, form: PoliciesForm, *, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/policies/drafts/settings.html",
        draft=draft,
        form=form,
        switches=SWITCHES,
        numbers=NUMBERS,
        lists=LISTS,
        may_change=may(Audience.DEVELOPER) and draft.is_open,
    )
    return page, status
