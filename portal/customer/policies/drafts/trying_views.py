"""A draft tried on one request: typed, or of a past decision. Each condition is shown true, false or unknown."""

from typing import Any
from uuid import UUID

from flask import render_template, request
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from api.decisions import backtest
from api.decisions import services as decisions
from api.decisions.models import Decision
from api.policies.compiled_rules import ConditionRefused
from api.policies.compiling import compile_policy
from api.policies.drafts import services as drafts
from api.policies.evaluator import evaluate
from api.policies.explaining import explained
from api.policies.facts import read_question
from api.policies.testing import tested_policy
from core.access import Audience, Pages, active_membership, open_to
from core.errors import InvalidRequest, NotFound
from core.forms import Form, stripped
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES
from portal.customer.policies.drafts.testing_forms import RequestForm

bp = Pages("policy_draft_trying", __name__, url_prefix="/policies/drafts/<uuid:draft_id>/try")

_BROKEN = "This draft has a condition that can't be evaluated. Change it first."


class DecisionChoiceForm(Form):
    decision = StringField(
        "Decision ID",
        filters=[stripped],
        description="The ID of a decision in the log. It begins with dec_.",
        validators=[InputRequired(), Length(max=64)],
    )


@bp.get("")
@per_person(MOST_CHANGES)
@open_to(Audience.VIEWER)
def show(draft_id: UUID) -> ViewResponse:
    """With a decision, what the draft says of it; its facts can then be changed."""
    draft, chosen = _find(draft_id), DecisionChoiceForm(formdata=None, decision=request.args.get("decision", ""))
    if "decision" not in request.args:
        return _page(draft, RequestForm(formdata=None), chosen)
    try:
        decision = decisions.find(active_membership().organization_id, chosen.decision.data)
    except NotFound:
        chosen.decision.errors = ["Decision not found, or it is past its retention. Check the ID."]
        return _page(draft, RequestForm(formdata=None), chosen, status=404)
    return _of_decision(draft, decision, chosen)


@bp.post("")
@per_person(MOST_CHANGES)
@open_to(Audience.VIEWER)
def create(draft_id: UUID) -> ViewResponse:
    """Of typed facts; keeps nothing."""
    draft, form, chosen = _find(draft_id), RequestForm(), DecisionChoiceForm(formdata=None)
    if not form.validate():
        return _page(draft, form, chosen, status=422)
    try:
        policy = tested_policy(draft.document)
        facts = read_question(form.request(), policy.facts).facts
    except ConditionRefused:
        form.form_errors.append(_BROKEN)
    except InvalidRequest as refused:
        form.blame(refused.errors)
    else:
        return _page(draft, form, chosen, outcome=evaluate(policy, facts), rules=explained(policy, facts))
    return _page(draft, form, chosen, status=422)


def _of_decision(draft: drafts.Draft, decision: Decision, chosen: DecisionChoiceForm) -> ViewResponse:
    """As it was sent, by the same subject or key."""
    form = RequestForm.of_request(decision.model, decision.operation, decision.metadata_)
    try:
        policy = compile_policy(active_membership().organization_id, 0, draft.document)
    except ConditionRefused:
        form.form_errors.append(_BROKEN)
        return _page(draft, form, chosen, status=422)
    outcome, rules = backtest.judged_again(policy, decision), explained(policy, backtest.facts_of(decision))
    return _page(draft, form, chosen, outcome=outcome, rules=rules, recorded=decision)


def _find(draft_id: UUID) -> drafts.Draft:
    return drafts.find(active_membership().organization_id, draft_id)


def _page(
    draft: drafts.Draft, form: RequestForm, chosen: DecisionChoiceForm, *, status: int = 200, **found: Any
) -> ViewResponse:
    page = render_template("portal/customer/policies/drafts/try.html", draft=draft, form=form, chosen=chosen, **found)
    return page, status
