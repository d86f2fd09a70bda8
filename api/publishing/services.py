"""Publishing a draft, and what an organization asks for before that."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import msgspec

from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.policies.drafts.errors import DraftChanged
from api.policies.drafts.services import Draft
from api.policies.environments import adopt_on_test_keys
from api.publishing import reviews
from core import accounts, audit
from core.audit import Actor, ActorKind
from core.errors import AppError
from core.rows import fresh


class KeysMayNotPublish(AppError):
    status, code, title = (
        HTTPStatus.FORBIDDEN,
        "keys_may_not_publish",
        "This organization does not let API keys publish policies",
    )
    advice = "Publish the draft in the portal, or ask an owner to allow it under Policies, Publishing."


class PublishingRules(msgspec.Struct, frozen=True):
    needs_review: bool
    keys_may_publish: bool


def rules_of(organization_id: UUID) -> PublishingRules:
    organization = fresh(accounts.Organization, organization_id)
    return PublishingRules(organization.needs_policy_review, organization.keys_may_publish)


def set_rules(organization_id: UUID, rules: PublishingRules, *, by: Actor, now: datetime) -> None:
    organization = accounts.hold(organization_id)
    before = PublishingRules(organization.needs_policy_review, organization.keys_may_publish)
    if before == rules:
        return
    organization.needs_policy_review, organization.keys_may_publish = rules.needs_review, rules.keys_may_publish
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(rules)
    audit.write(organization_id, "policy.publishing_changed", by=by, now=now, before=old, after=new)


def publish_to_test_keys(
    organization_id: UUID, draft: Draft, *, expected_revision: int, by: Actor, now: datetime
) -> int:
    """The version that test keys have from now on, while the draft stays open. Raises what `publish` raises."""
    draft = _need_permitted(organization_id, draft, by=by)
    if draft.revision != expected_revision:
        raise DraftChanged
    return adopt_on_test_keys(organization_id, draft.document, draft_id=draft.id, name=draft.name, by=by, now=now)


def publish(organization_id: UUID, draft: Draft, *, expected_revision: int, by: Actor, now: datetime) -> int:
    """The new version. Raises KeysMayNotPublish or ApprovalMissing, and what `drafts.publish` raises."""
    draft = _need_permitted(organization_id, draft, by=by)
    return drafts.publish(organization_id, draft, expected_revision=expected_revision, by=by, now=now)


def _need_permitted(organization_id: UUID, draft: Draft, *, by: Actor) -> Draft:
    """The draft as it stands, with the policies held."""
    policies.hold(organization_id, None)
    rules = rules_of(organization_id)
    if by.kind is ActorKind.API_KEY and not rules.keys_may_publish:
        raise KeysMayNotPublish
    draft = drafts.find(organization_id, draft.id)
    drafts.need_publishable(organization_id, draft)
    if rules.needs_review:
        reviews.need_approval(organization_id, draft)
    return draft


def publish_in_emergency(
    organization_id: UUID, draft: Draft, *, reason: str, expected_revision: int, by: Actor, now: datetime
) -> int:
    """Without a review, and although tests fail. For owners alone, who are all told; the reason is on the audit log."""
    return drafts.publish(
        organization_id, draft, expected_revision=expected_revision, by=by, now=now, emergency_reason=reason
    )
