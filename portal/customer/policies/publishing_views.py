"""Who may publish policies: whether a second person has to approve, and whether API keys may. Owners decide."""

from flask import flash, render_template
from wtforms import BooleanField

from api.publishing import services as publishing
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.forms import Form
from core.htmx import see_other
from core.views import ViewResponse

bp = Pages("policy_publishing", __name__, url_prefix="/policies/publishing")


class PublishingForm(Form):
    needs_review = BooleanField(
        "Require a review",
        description=(
            "A second person who did not work on the draft has to review its tests and impact and approve it before it "
            "is published. Policies can then be changed only through drafts."
        ),
    )
    keys_may_publish = BooleanField(
        "Let API keys publish",
        description="A live key with the scope policies:publish can publish drafts, once they are approved.",
    )


@bp.get("")
@open_to(Audience.VIEWER)
def show() -> ViewResponse:
    rules = publishing.rules_of(active_membership().organization_id)
    form = PublishingForm(formdata=None, needs_review=rules.needs_review, keys_may_publish=rules.keys_may_publish)
    page = render_template("portal/customer/policies/publishing.html", form=form, may_change=may(Audience.OWNER))
    return page, 200


@bp.post("")
@open_to(Audience.OWNER, fresh=True)
def update() -> ViewResponse:
    form = PublishingForm()
    rules = publishing.PublishingRules(form.needs_review.data, form.keys_may_publish.data)
    with transaction():
        publishing.set_rules(active_membership().organization_id, rules, by=actor(), now=utc_now())
    flash("Publishing settings saved.")
    return see_other("/policies/publishing")
