"""Custom rules on their pages: written, changed, put in force, deleted."""

import msgspec
from flask import flash, render_template

from api.policies import promotion
from api.policies import services as policies
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import AppError, InvalidRequest, NotFound
from core.forms import in_plain_words
from core.htmx import see_other
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.forms import RuleForm, SeenVersionForm

bp = Pages("policy_rules", __name__, url_prefix="/policies/rules")

MOST_CHANGES = "30 per minute"
"""Each compiles rules."""


@bp.get("/new")
@open_to(Audience.DEVELOPER, fresh=True)
def new() -> ViewResponse:
    version, _ = policies.current(active_membership().organization_id)
    return render_template("portal/customer/policies/rule.html", form=RuleForm.of(version, None), code=None)


@bp.get("/<code>")
@open_to(Audience.VIEWER)
def edit(code: str) -> ViewResponse:
    version, document = policies.current(active_membership().organization_id)
    rule = next((rule for rule in document.rules if rule.code == code), None)
    if rule is None:
        raise NotFound("Rule not found.")
    return render_template("portal/customer/policies/rule.html", form=RuleForm.of(version, rule), code=code)


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
    kept = [msgspec.to_builtins(rule) for rule in document.rules if rule.code != code]
    if len(kept) == len(document.rules):
        raise NotFound("Rule not found. It may have been deleted.")
    with transaction():
        policies.change_many(
            active_membership().organization_id, {"rules": kept}, expected_version=version, by=actor(), now=utc_now()
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
    flash(f"Rule {code} is enforced since version {version}.")
    return see_other("/policies#rules")


def _save(code: str | None) -> ViewResponse:
    form = RuleForm()
    if form.validate():
        _, document = policies.current(active_membership().organization_id)
        rules = [msgspec.to_builtins(rule) for rule in document.rules]
        places = [index for index, rule in enumerate(document.rules) if rule.code == code]
        place = places[0] if places else len(rules)
        rules[place : place + len(places)] = [form.value()]
        try:
            with transaction():
                policies.change_many(
                    active_membership().organization_id,
                    {"rules": rules},
                    expected_version=form.version.data,
                    by=actor(),
                    now=utc_now(),
                )
        except InvalidRequest as refused:
            _blame(form, refused, place)
        except AppError as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
        else:
            flash("Rule saved.")
            return see_other("/policies")
    return render_template("portal/customer/policies/rule.html", form=form, code=code), 422


def _blame(form: RuleForm, refused: InvalidRequest, place: int) -> None:
    """Puts a fault of `rules[3].when.all[0]` at the form's field `all`."""
    for fault in refused.errors:
        path = fault.path.removeprefix(f"rules[{place}].")
        name = path.removeprefix("when").lstrip(".").partition("[")[0]
        if name in form:
            form[name].errors = [*form[name].errors, in_plain_words(fault.detail)]
        else:
            form.form_errors.append(in_plain_words(fault.detail))
