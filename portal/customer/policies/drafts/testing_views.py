"""The tests of a draft on their pages: created, changed, deleted, and made from a decision of the log."""

from typing import Any
from uuid import UUID

import msgspec
from flask import flash, render_template, request

from api.decisions import services as decisions
from api.decisions.models import Decision
from api.policies.drafts import services as drafts
from api.policies.drafts.errors import DraftChanged
from api.policies.policy_tests import Expectation, PolicyTest, PolicyTestRequest
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import AppError, InvalidRequest, NotFound
from core.forms import in_plain_words
from core.htmx import see_other
from core.ids import public_id
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES
from portal.customer.policies.drafts.testing_forms import DecisionTestForm, PolicyTestForm
from portal.customer.policies.forms import SeenVersionForm

bp = Pages("policy_tests", __name__, url_prefix="/policies")

NEW_DRAFT = "new"


@bp.get("/drafts/<uuid:draft_id>/tests/new")
@open_to(Audience.DEVELOPER)
def new(draft_id: UUID) -> ViewResponse:
    draft = _find(draft_id)
    return _page(draft, PolicyTestForm.of(draft.revision, None), None)


@bp.get("/drafts/<uuid:draft_id>/tests/<int(max=999):place>")
@open_to(Audience.VIEWER)
def edit(draft_id: UUID, place: int) -> ViewResponse:
    draft = _find(draft_id)
    return _page(draft, PolicyTestForm.of(draft.revision, _test_at(draft, place)), place)


@bp.post("/drafts/<uuid:draft_id>/tests")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create(draft_id: UUID) -> ViewResponse:
    return _save(_find(draft_id), None)


@bp.post("/drafts/<uuid:draft_id>/tests/<int(max=999):place>")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def update(draft_id: UUID, place: int) -> ViewResponse:
    return _save(_find(draft_id), place)


@bp.post("/drafts/<uuid:draft_id>/tests/<int(max=999):place>/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def delete(draft_id: UUID, place: int) -> ViewResponse:
    draft, form = _find(draft_id), SeenVersionForm()
    if not form.validate():
        raise DraftChanged
    gone = _test_at(draft, place)
    _set_tests(draft, [test for test in _tests(draft) if test["name"] != gone.name], form.version.data)
    flash("Test deleted from this draft.")
    return see_other(f"/policies/drafts/{draft_id}#tests")


@bp.get("/tests/of-decision/<shown_id>")
@open_to(Audience.DEVELOPER)
def of_decision(shown_id: str) -> ViewResponse:
    """In which draft the decision becomes a test."""
    decision = decisions.find(active_membership().organization_id, shown_id)
    return _of_decision(decision, _decision_form(name=_name_of(decision), draft=request.args.get("draft", "")))


@bp.post("/tests/of-decision/<shown_id>")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create_of_decision(shown_id: str) -> ViewResponse:
    """The request as it was sent, and the decision as it was recorded."""
    organization_id = active_membership().organization_id
    decision, form = decisions.find(organization_id, shown_id), _decision_form()
    if not form.validate():
        return _of_decision(decision, form, status=422)
    test = _test_of(decision, form.name.data)
    try:
        with transaction():
            draft = _chosen_draft(form.draft.data, name=form.name.data)
            _change_tests(draft, [*_tests(draft), msgspec.to_builtins(test)], draft.revision)
    except AppError as refused:
        problems = [problem.detail for problem in refused.errors] or [f"{refused.title}. {refused.detail}"]
        form.form_errors.extend(map(in_plain_words, problems))
        return _of_decision(decision, form, status=422)
    flash("Test added to this draft.")
    return see_other(f"/policies/drafts/{draft.id}#tests")


def _find(draft_id: UUID) -> drafts.Draft:
    return drafts.find(active_membership().organization_id, draft_id)


def _tests(draft: drafts.Draft) -> list[Any]:
    found: list[Any] = msgspec.to_builtins(draft.document.tests)
    return found


def _test_at(draft: drafts.Draft, place: int) -> PolicyTest:
    """Raises NotFound."""
    if place >= len(draft.document.tests):
        raise NotFound("Test not found. It may have been deleted.")
    return draft.document.tests[place]


def _set_tests(draft: drafts.Draft, tests: list[Any], revision: int) -> None:
    with transaction():
        _change_tests(draft, tests, revision)


def _change_tests(draft: drafts.Draft, tests: list[Any], revision: int) -> None:
    drafts.change(
        active_membership().organization_id,
        draft,
        {"tests": tests},
        expected_revision=revision,
        by=actor(),
        now=utc_now(),
    )


def _save(draft: drafts.Draft, place: int | None) -> ViewResponse:
    form, tests = PolicyTestForm(), _tests(draft)
    if place is not None:
        _test_at(draft, place)
    at = len(tests) if place is None else place
    if form.validate():
        try:
            _set_tests(draft, [*tests[:at], form.value(), *tests[at + 1 :]], form.version.data)
        except InvalidRequest as refused:
            form.blame_test(refused.errors, at)
        except AppError as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
        else:
            flash("Test saved in this draft.")
            return see_other(f"/policies/drafts/{draft.id}#tests")
    return _page(draft, form, place, status=422)


def _decision_form(**values: str) -> DecisionTestForm:
    form = DecisionTestForm(formdata=None, **values) if values else DecisionTestForm()
    opened = drafts.list_open(active_membership().organization_id)
    form.draft.choices = [*((str(draft.id), draft.name) for draft in opened), (NEW_DRAFT, "New draft")]
    return form


def _chosen_draft(chosen: str, *, name: str) -> drafts.Draft:
    if chosen == NEW_DRAFT:
        note = "Created for a test of a decision."
        return drafts.create(active_membership().organization_id, name=name, note=note, by=actor(), now=utc_now())
    return _find(UUID(chosen))


def _name_of(decision: Decision) -> str:
    return f"{decision.operation} with {decision.model} is {'allowed' if decision.allowed else 'blocked'}"[:100]


def _test_of(decision: Decision, name: str) -> PolicyTest:
    return PolicyTest(
        name=name,
        request=PolicyTestRequest(decision.model, decision.operation, decision.metadata_),
        expect=Expectation(decision.allowed, decision.reason, decision.risk_score),
    )


def _page(draft: drafts.Draft, form: PolicyTestForm, place: int | None, *, status: int = 200) -> ViewResponse:
    page = render_template("portal/customer/policies/drafts/test.html", draft=draft, form=form, place=place)
    return page, status


def _of_decision(decision: Decision, form: DecisionTestForm, *, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/policies/drafts/test_of_decision.html",
        form=form,
        decision=decision,
        shown_id=public_id("dec", decision.id),
    )
    return page, status
