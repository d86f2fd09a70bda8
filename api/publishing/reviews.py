"""Review of a draft by a second person. An approval is of exactly what was looked at; any edit makes it stale."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from api.decisions.impact import services as impacts
from api.decisions.impact.states import ImpactStatus
from api.keys.models import ApiKey
from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.policies.drafts.errors import DraftChanged
from api.policies.drafts.merging import changed_places
from api.policies.drafts.services import Draft
from api.policies.testing import need_passing
from api.publishing.models import PolicyReview
from api.publishing.states import ReviewStatus, may_move
from core import audit
from core.audit import Actor, ActorKind
from core.db import db, rows_changed
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.rows import read_anew


class ReviewNeedsImpact(AppError):
    status, code, title = HTTPStatus.CONFLICT, "review_needs_impact", "The impact of this draft has not been analyzed"
    advice = "Analyze the impact of the current draft, so that the reviewer can see what it changes."


class ReviewRequested(AppError):
    status, code, title = HTTPStatus.CONFLICT, "review_requested", "A review of this draft has already been requested"
    advice = "Wait until a second person approves or declines it."


class ReviewDecided(AppError):
    status, code, title = HTTPStatus.CONFLICT, "review_decided", "Someone else decided on this review"
    advice = "See what they decided on the page of the draft."


class ReviewStale(AppError):
    status, code, title = HTTPStatus.CONFLICT, "review_stale", "The draft was changed since this review was requested"
    advice = "Review the current draft and request a new review."


class OwnDraft(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "own_draft", "You can't review a draft that you worked on"
    advice = "Ask another owner, admin or developer who has not changed it."


class ApprovalMissing(AppError):
    status, code, title = HTTPStatus.CONFLICT, "approval_missing", "The current state of this draft is not approved"
    advice = "Request a review. A second person has to approve the draft with its tests and its impact."


class Review(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    status: ReviewStatus
    is_stale: bool
    """Whether the draft, its base, its tests or its impact are no longer what the review is of."""
    requested_by_id: UUID
    requested_at: datetime
    decided_by_id: UUID | None
    decided_at: datetime | None
    comment: str

    @property
    def is_approval(self) -> bool:
        return self.status is ReviewStatus.APPROVED and not self.is_stale

    @property
    def is_open(self) -> bool:
        return self.status is ReviewStatus.REQUESTED and not self.is_stale


def digest_of(organization_id: UUID, draft: Draft) -> str | None:
    """Stands for the draft with its base, its tests and its impact; None without a finished impact of it."""
    impact = impacts.find_latest(organization_id, draft.id)
    if impact is None or impact.status is not ImpactStatus.DONE or not impact.is_of(draft):
        return None
    parts = (msgspec.to_builtins(draft.document), draft.base_version, str(impact.id))
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def latest(organization_id: UUID, draft: Draft) -> Review | None:
    row = _latest_row(organization_id, draft.id)
    return _review(row, digest_of(organization_id, draft)) if row is not None else None


def request(organization_id: UUID, draft: Draft, *, by: Actor, now: datetime) -> None:
    """By a member or an API key.

    Raises DraftChanged, DraftClosed, DraftOutdated, DraftUnchanged, PolicyTestsFailed, ReviewNeedsImpact or
    ReviewRequested.
    """
    _need_somebody(by)
    policies.hold(organization_id, None)
    seen, draft = draft, drafts.find(organization_id, draft.id)
    if draft.revision != seen.revision:
        raise DraftChanged
    drafts.need_publishable(organization_id, draft)
    need_passing(draft.document)
    digest = digest_of(organization_id, draft)
    if digest is None:
        raise ReviewNeedsImpact
    before = _latest_row(organization_id, draft.id)
    if before is not None and before.status == ReviewStatus.REQUESTED.value:
        if before.digest == digest:
            raise ReviewRequested
        _move(organization_id, before, ReviewStatus.WITHDRAWN)
    db.session.add(
        PolicyReview(
            id=new_uuid(),
            organization_id=organization_id,
            draft_id=draft.id,
            digest=digest,
            status=ReviewStatus.REQUESTED.value,
            requested_by_id=by.id,
            requested_at=now,
            comment="",
        )
    )
    db.session.flush()
    base = policies.find_version(organization_id, draft.base_version).document
    changed = policies.differences(base, draft.document)
    audit.write(
        organization_id,
        "policy.review_requested",
        by=by,
        now=now,
        subject_id=draft.shown_id,
        before={key: old for key, (old, _) in changed.items()},
        after={
            **{key: new for key, (_, new) in changed.items()},
            "name": draft.name,
            "changes": changed_places(base, draft.document),
        },
    )


def decide(
    organization_id: UUID,
    draft: Draft,
    review_id: UUID,
    decision: ReviewStatus,
    *,
    comment: str,
    by: Actor,
    now: datetime,
) -> None:
    """Approves or declines what was requested. Raises NotFound, OwnDraft, ReviewStale or ReviewDecided."""
    _need_member(by)
    policies.hold(organization_id, None)
    draft = drafts.find(organization_id, draft.id)
    row = _latest_row(organization_id, draft.id)
    if row is None or row.id != review_id:
        raise NotFound("Review not found. A newer one may have been requested.")
    if by.id in _authors(organization_id, {*draft.editors, row.requested_by_id}):
        raise OwnDraft
    if row.digest != digest_of(organization_id, draft):
        raise ReviewStale
    _move(organization_id, row, decision, decided_by_id=by.id, decided_at=now, comment=comment)
    facts = {"name": draft.name, "comment": comment}
    audit.write(
        organization_id, f"policy.review_{decision.value}", by=by, now=now, subject_id=draft.shown_id, after=facts
    )


def may_decide(organization_id: UUID, draft: Draft, review: Review, person_id: UUID) -> bool:
    return review.is_open and person_id not in _authors(organization_id, {*draft.editors, review.requested_by_id})


def need_approval(organization_id: UUID, draft: Draft) -> None:
    """Raises ApprovalMissing, also where the approval is of an earlier state of the draft."""
    review = latest(organization_id, draft)
    if review is None or not review.is_approval:
        raise ApprovalMissing


def _authors(organization_id: UUID, editors: Collection[UUID]) -> set[UUID]:
    """Whoever worked on the draft; behind an API key stands whoever created it."""
    creators = db.session.scalars(
        select(ApiKey.created_by_id).where(ApiKey.organization_id == organization_id, ApiKey.id.in_(editors))
    )
    return {*editors, *(one for one in creators if one is not None)}


def _need_member(by: Actor) -> None:
    """An API key never decides."""
    if by.kind is not ActorKind.MEMBER or by.id is None:
        raise OwnDraft("Only a member of the organization can decide on a review.")


def _need_somebody(by: Actor) -> None:
    if by.kind not in {ActorKind.MEMBER, ActorKind.API_KEY} or by.id is None:
        raise OwnDraft("Only a member of the organization or one of its API keys can request a review.")


def _latest_row(organization_id: UUID, draft_id: UUID) -> PolicyReview | None:
    query = select(PolicyReview).where(
        PolicyReview.organization_id == organization_id, PolicyReview.draft_id == draft_id
    )
    return db.session.scalar(read_anew(query.order_by(PolicyReview.id.desc()).limit(1)))


def _move(organization_id: UUID, row: PolicyReview, after: ReviewStatus, **values: object) -> None:
    """Compare-and-set. Raises ReviewDecided."""
    before = ReviewStatus(row.status)
    statement = (
        update(PolicyReview)
        .where(
            PolicyReview.organization_id == organization_id,
            PolicyReview.id == row.id,
            PolicyReview.status == before.value,
        )
        .values(status=after.value, **values)
    )
    if not may_move(before, after) or rows_changed(statement) != 1:
        raise ReviewDecided


def _review(row: PolicyReview, digest: str | None) -> Review:
    return Review(
        id=row.id,
        status=ReviewStatus(row.status),
        is_stale=row.digest != digest,
        requested_by_id=row.requested_by_id,
        requested_at=row.requested_at,
        decided_by_id=row.decided_by_id,
        decided_at=row.decided_at,
        comment=row.comment,
    )
