"""Review of drafts over the API: a key may ask for one, and only a member decides."""

from datetime import datetime
from typing import Annotated

import msgspec
from flask import Blueprint
from msgspec import Meta

from api.authentication import Caller, WrongEnvironment
from api.keys.scopes import Scope
from api.policies.drafts.errors import DraftChanged, DraftClosed, DraftOutdated, DraftUnchanged
from api.policies.testing import PolicyTestsFailed
from api.publishing import reviews
from api.publishing.states import ReviewStatus
from api.v1.draft_schema import Revision
from api.v1.draft_views import draft_of
from api.v1.endpoint import Endpoint, serve
from api.v1.policy_schema import LIVE_TO_CHANGE
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound
from core.sample_ids import STORED_AT

bp = Blueprint("api_policy_reviews", __name__)

PATH = "/v1/policy/drafts/{draft_id}/review"


class ReviewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expected_revision: Revision


class ReviewView(msgspec.Struct, frozen=True):
    """The latest review of a draft."""

    status: Annotated[
        ReviewStatus, Meta(description="requested, approved, declined or withdrawn.", examples=["requested"])
    ]
    is_stale: Annotated[
        bool,
        Meta(
            description="True if the draft, its base, tests or impact changed since. The review is then invalid.",
            examples=[False],
        ),
    ]
    requested_at: Annotated[datetime, Meta(tz=True, description="When it was requested, in UTC.", examples=[STORED_AT])]
    decided_at: Annotated[
        datetime | None, Meta(description="When it was approved or declined, in UTC.", examples=[None])
    ]
    comment: Annotated[str, Meta(description="What the reviewer wrote.", examples=[""])]


@serve(
    bp,
    Endpoint(
        method="POST",
        path=PATH,
        tag="Policies",
        summary="Request a review of a policy draft",
        description=(
            "Asks the members of the organization to approve the draft with its tests and its impact. The impact of "
            "the current draft must have been analyzed. A member who did not work on the draft approves or declines "
            "it in the portal; an API key can't."
        ),
        scope=Scope.POLICIES_DRAFT,
        body=ReviewRequest,
        answer=ReviewView,
        status=201,
        refusals=(
            NotFound,
            WrongEnvironment,
            DraftChanged,
            DraftClosed,
            DraftOutdated,
            DraftUnchanged,
            PolicyTestsFailed,
            reviews.ReviewNeedsImpact,
            reviews.ReviewRequested,
        ),
    ),
)
def create(caller: Caller, draft_id: str, body: ReviewRequest) -> ReviewView:
    caller.need_live_key(LIVE_TO_CHANGE)
    organization_id = caller.organization.id
    with transaction():
        draft = draft_of(caller, draft_id)
        if draft.revision != body.expected_revision:
            raise DraftChanged
        reviews.request(organization_id, draft, by=caller.actor, now=utc_now())
        found = reviews.latest(organization_id, draft)
    assert found is not None  # noqa: S101  it was just requested
    return _view_of(found)


@serve(
    bp,
    Endpoint(
        method="GET",
        path=PATH,
        tag="Policies",
        summary="Get the review of a policy draft",
        description="The latest review of the draft, decided or not.",
        scope=Scope.POLICIES_READ,
        answer=ReviewView,
        refusals=(NotFound,),
    ),
)
def show(caller: Caller, draft_id: str) -> ReviewView:
    found = reviews.latest(caller.organization.id, draft_of(caller, draft_id))
    if found is None:
        raise NotFound("No review of this draft was requested.")
    return _view_of(found)


def _view_of(review: reviews.Review) -> ReviewView:
    return ReviewView(review.status, review.is_stale, review.requested_at, review.decided_at, review.comment)
