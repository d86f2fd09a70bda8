"""Review of a draft by a second person, and publishing it in an emergency without one."""

from typing import Any
from uuid import UUID

from flask import flash, render_template
from wtforms import HiddenField, SelectField, TextAreaField, validators
from wtforms.validators import DataRequired, Length

from api.keys import lookup
from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.publishing import reviews
from api.publishing import services as publishing
from api.publishing.states import ReviewStatus
from core.access import Audience, Pages, active_membership, actor, current_user, may, open_to
from core.accounts import Organization
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.forms import Form, stripped
from core.htmx import see_other
from core.rows import fresh
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.organization.services import notify_owners
from portal.customer.policies.comparing import MOST_CHANGES, in_words
from portal.customer.policies.forms import SeenVersionForm
from portal.customer.team import members

MOST_CHANGES_TOLD = 20

bp = Pages("policy_reviews", __name__, url_prefix="/policies/drafts/<uuid:draft_id>")


class DecisionForm(Form):
    review = HiddenField(validators=[validators.UUID("Reload the page.")])
    decision = SelectField(
        "Decision",
        choices={"": "Choose", ReviewStatus.APPROVED.value: "Approve", ReviewStatus.DECLINED.value: "Decline"},
        validators=[DataRequired("Choose Approve or Decline.")],
    )
    comment = TextAreaField("Comment", filters=[stripped], validators=[Length(max=1_000)], render_kw={"rows": 2})


class EmergencyForm(SeenVersionForm):
    reason = TextAreaField(
        "Reason",
        filters=[stripped],
        description="All owners get it by email, and it is recorded in the audit log.",
        validators=[DataRequired("Enter a reason."), Length(max=1_000)],
        render_kw={"rows": 2},
    )


@bp.post("/review")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create(draft_id: UUID) -> ViewResponse:
    organization_id = active_membership().organization_id
    with transaction():
        reviews.request(organization_id, drafts.find(organization_id, draft_id), by=actor(), now=utc_now())
    flash("Review requested.")
    return see_other(f"/policies/drafts/{draft_id}#review")


@bp.post("/review/decision")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def decide(draft_id: UUID) -> ViewResponse:
    """Of the review that the person saw."""
    organization_id, form = active_membership().organization_id, DecisionForm()
    draft = drafts.find(organization_id, draft_id)
    if not form.validate():
        raise InvalidRequest("Choose Approve or Decline, and write at most 1,000 characters.")
    with transaction():
        reviews.decide(
            organization_id,
            draft,
            UUID(form.review.data),
            ReviewStatus(form.decision.data),
            comment=form.comment.data,
            by=actor(),
            now=utc_now(),
        )
    flash("Draft approved." if form.decision.data == ReviewStatus.APPROVED.value else "Draft declined.")
    return see_other(f"/policies/drafts/{draft_id}#review")


@bp.get("/emergency")
@open_to(Audience.OWNER)
def emergency(draft_id: UUID) -> ViewResponse:
    draft = drafts.find(active_membership().organization_id, draft_id)
    return _emergency(draft, EmergencyForm(formdata=None, version=draft.revision))


@bp.post("/emergency")
@per_person(MOST_CHANGES)
@open_to(Audience.OWNER, fresh=True)
def publish_in_emergency(draft_id: UUID) -> ViewResponse:
    organization_id, form, now = active_membership().organization_id, EmergencyForm(), utc_now()
    draft = drafts.find(organization_id, draft_id)
    if not form.validate():
        return _emergency(draft, form, status=422)
    with transaction():
        changes = in_words(policies.find_version(organization_id, draft.base_version).document, draft.document)
        version = publishing.publish_in_emergency(
            organization_id, draft, reason=form.reason.data, expected_revision=form.version.data, by=actor(), now=now
        )
        notify_owners(
            fresh(Organization, organization_id),
            "policy_emergency",
            now=now,
            draft=draft.name,
            version=version,
            person=current_user().name,
            reason=form.reason.data,
            changes=changes[:MOST_CHANGES_TOLD],
        )
    flash(f"Draft published as version {version} without a review. We notified all owners.")
    return see_other("/policies/versions")


def review_of(draft: drafts.Draft) -> dict[str, Any]:
    """What the draft's page shows of its review."""
    organization_id = active_membership().organization_id
    review = reviews.latest(organization_id, draft)
    people = {one for one in (review.requested_by_id, review.decided_by_id) if one} if review else set()
    return {
        "needs_review": policies.needs_review(organization_id),
        "review": review,
        "reviewers": {**_keys(organization_id, people), **members.names_of(organization_id, people)},
        "decision_form": DecisionForm(formdata=None, review=str(review.id) if review else ""),
        "may_decide": review is not None
        and may(Audience.DEVELOPER)
        and reviews.may_decide(organization_id, draft, review, current_user().user_id),
        "may_override": may(Audience.OWNER) and draft.is_open,
    }


def _keys(organization_id: UUID, people: set[UUID]) -> dict[UUID, str]:
    """A review may be requested with an API key."""
    return {key: f"the API key {name}" for key, name in lookup.names_of(organization_id, people).items()}


def _emergency(draft: drafts.Draft, form: EmergencyForm, *, status: int = 200) -> ViewResponse:
    return render_template("portal/customer/policies/drafts/emergency.html", draft=draft, form=form), status
