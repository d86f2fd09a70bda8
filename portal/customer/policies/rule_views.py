"""Custom rules on their pages: written, changed, put in force, deleted."""

from flask import flash

from api.policies import promotion
from api.policies import services as policies
from api.policies.conditions.checking import ground_of
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import AppError, InvalidRequest
from core.htmx import see_other
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.forms import SeenVersionForm
from portal.customer.policies.rule_form import RuleForm
from portal.customer.policies.rule_page import rule_page
from portal.customer.policies.rule_saving import blame_rule, place_of, rule_of, rules_with, rules_without

bp = Pages("policy_rules", __name__, url_prefix="/policies/rules")

MOST_CHANGES = "30 per minute"
"""Each compiles rules."""


@bp.get("/new")
@open_to(Audience.DEVELOPER, fresh=True)
def new() -> ViewResponse:
    version, document = policies.current(active_membership().organization_id)
    ground = ground_of(document)
    return rule_page(RuleForm.of(version, None, ground), ground, code=None)


@bp.get("/<code>")
@open_to(Audience.VIEWER)
def edit(code: str) -> ViewResponse:
    version, document = policies.current(active_membership().organization_id)
    ground = ground_of(document)
    return rule_page(RuleForm.of(version, rule_of(document, code), ground), ground, code=code)


@bp.post("")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def create() -> ViewResponse:
    return _save(None)


@bp.post("/<code>")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def update(code: str) -> ViewResponse:
    return _save(code)


@bp.post("/<code>/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def delete(code: str) -> ViewResponse:
    version, document = policies.current(active_membership().organization_id)
    kept = {"rules": rules_without(document, code)}
    with transaction():
        policies.change_many(
            active_membership().organization_id, kept, expected_version=version, by=actor(), now=utc_now()
        )
    flash("Rule deleted.")
    return see_other("/policies")


@bp.post("/<code>/promote")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def promote(code: str) -> ViewResponse:
    """Enforces a rule that was on trial in the version that the person saw."""
    form = SeenVersionForm()
    if not form.validate():
        raise policies.PolicyChanged
    with transaction():
        version = promotion.promote(
            active_membership().organization_id, code, expected_version=form.version.data, by=actor(), now=utc_now()
        )
    flash(f"Rule {code} is enforced as of version {version}.")
    return see_other("/policies#rules")


def _save(code: str | None) -> ViewResponse:
    _, document = policies.current(active_membership().organization_id)
    form, ground = RuleForm(), ground_of(document)
    form.over(ground)
    if form.do.data:
        form.changed_by(form.do.data, ground)
        return rule_page(form, ground, code=code)
    if form.validate() & form.blame_rows():
        place = place_of(document, code)
        try:
            with transaction():
                version = policies.change_many(
                    active_membership().organization_id,
                    {"rules": rules_with(document, place, form)},
                    expected_version=form.version.data,
                    by=actor(),
                    now=utc_now(),
                )
        except InvalidRequest as refused:
            blame_rule(form, refused, place)
        except AppError as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
        else:
            flash(f"Rule published as version {version} of your policies. It applies to live and test checks.")
            return see_other("/policies")
    return rule_page(form, ground, code=code, status=422)
