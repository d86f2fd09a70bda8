"""A change of policies that is shown with its effect before it is published, whatever page it was put together on.

The page carries the values along; publishing checks them again, and only on the version that they were shown for. They
become a draft instead where a second person has to review them, or where their author wants to test them first.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import flash, render_template
from wtforms import HiddenField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from api.policies import services as policies
from api.policies.document import POLICY_KEYS
from api.policies.drafts import services as drafts
from api.policies.testing import PolicyTestsFailed
from api.policies.validation import with_values
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import AppError, InvalidRequest
from core.forms import Form, OneLine, WholeNumberField
from core.htmx import see_other
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES, effect_of, in_words

bp = Pages("policy_proposals", __name__, url_prefix="/policies/proposals")

PLACES = ("/policies", "/policies/models", "/policies/required-facts", "/policies/presets", "/policies/fail-modes")
"""Pages on which changes are put together."""
_RELOAD = "Reload the page, then make your change again."


class ProposalForm(Form):
    version = WholeNumberField(
        widget=HiddenInput(), validators=[InputRequired("Reload the page."), NumberRange(1, 2**31 - 1)]
    )
    title = HiddenField(validators=[InputRequired("Reload the page."), Length(max=200), OneLine()])
    changes = HiddenField(validators=[InputRequired("Reload the page."), Length(max=200_000)])
    back = HiddenField(validators=[AnyOf(PLACES, "Reload the page.")])

    def values(self) -> Mapping[str, Any]:
        """Raises InvalidRequest."""
        try:
            values = msgspec.json.decode(self.changes.data, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise InvalidRequest(_RELOAD) from error
        if not values.keys() <= set(POLICY_KEYS):
            raise InvalidRequest(_RELOAD)
        return values


def proposal_page(
    values: Mapping[str, Any], *, title: str, back: str, status: int = 200, fault: str = ""
) -> ViewResponse:
    """What these values would change, of the policies and of recent decisions. Raises InvalidRequest."""
    organization_id = active_membership().organization_id
    version, active = policies.current(organization_id)
    wanted = with_values(active, values, path_of=str)
    changes = msgspec.json.encode(values).decode()
    page = render_template(
        "portal/customer/policies/proposal.html",
        title=title,
        form=ProposalForm(formdata=None, version=version, title=title, changes=changes, back=back),
        fault=fault,
        version=version,
        differences=in_words(active, wanted),
        effect=effect_of(active, wanted),
        needs_review=policies.needs_review(organization_id),
        may_change=may(Audience.DEVELOPER),
    )
    return page, status


@bp.post("")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def publish() -> ViewResponse:
    form, values = _sent()
    try:
        with transaction():
            version = policies.change_many(
                active_membership().organization_id,
                values,
                expected_version=form.version.data,
                by=actor(),
                now=utc_now(),
            )
    except (policies.PolicyChanged, policies.ReviewRequired, PolicyTestsFailed) as refused:
        return _shown_anew(form, values, refused)
    flash(f"Changes published as version {version}. They apply to all checks within a second.")
    return see_other(form.back.data)


@bp.post("/draft")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create_draft() -> ViewResponse:
    form, values = _sent()
    organization_id, name, by, now = active_membership().organization_id, form.title.data[:100], actor(), utc_now()
    try:
        with transaction():
            policies.hold(organization_id, form.version.data)
            draft = drafts.create(organization_id, name=name, note="", by=by, now=now)
            drafts.change(organization_id, draft, values, expected_revision=draft.revision, by=by, now=now)
    except policies.PolicyChanged as refused:
        return _shown_anew(form, values, refused)
    return see_other(f"/policies/drafts/{draft.id}")


def _shown_anew(form: ProposalForm, values: Mapping[str, Any], refused: AppError) -> ViewResponse:
    return proposal_page(values, title=form.title.data, back=form.back.data, status=409, fault=refused.title)


def _sent() -> tuple[ProposalForm, Mapping[str, Any]]:
    """Raises InvalidRequest."""
    form = ProposalForm()
    if not form.validate():
        raise InvalidRequest(_RELOAD)
    return form, form.values()
