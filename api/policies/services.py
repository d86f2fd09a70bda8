"""Reading and changing an organization's policies. A change is a new version, with its author on the audit log."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from api.policies import versions
from api.policies.document import POLICY_KEYS, PolicyDocument, describe
from api.policies.drafts.models import PolicyDraft
from api.policies.models import PolicyFile, PolicyVersion
from api.policies.testing import need_passing
from api.policies.validation import with_values
from core import audit
from core.accounts import Organization
from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import AppError, NotFound
from core.scope import needs_system_scope

_BEFORE_THE_SWITCH = {"count_points_when_off": True, "compare_in_normal_form": False}


class PolicyChanged(AppError):
    status, code, title = HTTPStatus.CONFLICT, "policy_changed", "Someone else changed the policies"
    advice = "Read the current version, then make your change again."


class ReviewRequired(AppError):
    status, code, title = HTTPStatus.CONFLICT, "review_required", "Policy changes in this organization require a review"
    advice = "Your organization requires a review: make this change in a draft, under Policies, Drafts."


class PolicySetting(msgspec.Struct, frozen=True):
    """One policy as it stands: its key, meaning, value and default."""

    key: Annotated[str, Meta(description="Name of the policy.", examples=["max_risk_score"])]
    title: Annotated[str, Meta(description="Its title in the portal.", examples=["Block at score"])]
    description: Annotated[
        str,
        Meta(
            description="What it does.",
            examples=["Requests with this risk score or higher are blocked."],
        ),
    ]
    value: Annotated[Any, Meta(description="The active value.", examples=[40])]
    default: Annotated[Any, Meta(description="The default value.", examples=[50])]


class PolicySet(msgspec.Struct, frozen=True):
    """All policies of an organization at one version."""

    version: Annotated[int, Meta(description="The active version.", examples=[3])]
    policies: Annotated[tuple[PolicySetting, ...], Meta(description="All policies.")]


def current(organization_id: UUID) -> tuple[int, PolicyDocument]:
    """The version that live keys have and its document. Raises NotFound if none was ever seeded."""
    is_live = PolicyVersion.organization_id == organization_id, PolicyVersion.is_test_only.is_(False)
    row = db.session.scalar(select(PolicyVersion).where(*is_live).order_by(PolicyVersion.version.desc()).limit(1))
    if row is None:
        raise NotFound("This organization has no policies yet. An operator can add them with `flask policies seed`.")
    return row.version, read_document(row.document)


def read_document(stored: Mapping[str, Any]) -> PolicyDocument:
    """A version from before a switch means what it meant then, for past decisions are worked out again by it."""
    return msgspec.convert({**_BEFORE_THE_SWITCH, **stored}, PolicyDocument)


class PolicyRevision(msgspec.Struct, frozen=True):
    """One version of the policies, and who made it."""

    version: int
    created_at: datetime
    created_by_kind: str
    created_by_id: UUID | None
    document: PolicyDocument
    is_test_only: bool
    draft_id: UUID | None


def all_versions(organization_id: UUID) -> list[PolicyRevision]:
    """Newest first."""
    query = select(PolicyVersion).where(PolicyVersion.organization_id == organization_id)
    return list(map(revision_of, db.session.scalars(query.order_by(PolicyVersion.version.desc()))))


def find_version(organization_id: UUID, version: int) -> PolicyRevision:
    """Raises NotFound."""
    row = db.session.get(PolicyVersion, (organization_id, version))
    if row is None:
        raise NotFound("Policy version not found.")
    return revision_of(row)


def revision_of(row: PolicyVersion) -> PolicyRevision:
    return PolicyRevision(
        version=row.version,
        created_at=row.created_at,
        created_by_kind=row.created_by_kind,
        created_by_id=row.created_by_id,
        document=read_document(row.document),
        is_test_only=row.is_test_only,
        draft_id=row.draft_id,
    )


def overview(organization_id: UUID) -> PolicySet:
    version, document = current(organization_id)
    defaults = PolicyDocument()
    settings = []
    for key in POLICY_KEYS:
        title, description = describe(key)
        settings.append(PolicySetting(key, title, description, getattr(document, key), getattr(defaults, key)))
    return PolicySet(version=version, policies=tuple(settings))


def change(
    organization_id: UUID,
    key: str,
    value: Any,
    *,
    by: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> int:
    """Sets one policy and gives back the new version, or the old one if nothing changed.

    Raises NotFound for an unknown key, InvalidRequest for a value that does not fit, and PolicyChanged if
    `expected_version` is no longer the one in force.
    """
    if key not in POLICY_KEYS:
        raise NotFound(f"Policy not found. Policies: {', '.join(POLICY_KEYS)}.")
    version, document = hold(organization_id, expected_version)
    changed = with_values(document, {key: value}, path_of=lambda _: "value")
    return adopt(organization_id, version, document, changed, "policy.changed", by=by, now=now)


def change_many(
    organization_id: UUID, values: Mapping[str, Any], *, expected_version: int, by: Actor, now: datetime
) -> int:
    """Sets several policies as one version. Raises InvalidRequest naming them by their keys, or PolicyChanged."""
    version, document = hold(organization_id, expected_version)
    changed = with_values(document, values, path_of=str)
    return adopt(organization_id, version, document, changed, "policy.changed", by=by, now=now)


def restore(organization_id: UUID, old_version: int, *, by: Actor, now: datetime) -> int:
    """Makes an old version the newest again, as a version of its own. Raises NotFound."""
    version, document = hold(organization_id, None)
    wanted = find_version(organization_id, old_version).document
    return adopt(organization_id, version, document, wanted, "policy.restored", by=by, now=now)


def differences(before: PolicyDocument, after: PolicyDocument) -> dict[str, tuple[Any, Any]]:
    """What changed, by the policies' keys: the old and the new value, as JSON would have them."""
    found = {}
    for key in POLICY_KEYS:
        old, new = getattr(before, key), getattr(after, key)
        if old != new:
            found[key] = (as_json(old), as_json(new))
    return found


def as_json(value: Any) -> Any:
    """With lists where there are tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))


def hold(organization_id: UUID, expected_version: int | None) -> tuple[int, PolicyDocument]:
    """The version in force, while nobody else can change it. Raises PolicyChanged."""
    db.session.scalar(select(Organization.id).where(Organization.id == organization_id).with_for_update())
    version, document = current(organization_id)
    if expected_version is not None and expected_version != version:
        raise PolicyChanged
    return version, document


def needs_review(organization_id: UUID) -> bool:
    """Whether a second person has to approve policies before they are published."""
    query = select(Organization.needs_policy_review).where(Organization.id == organization_id)
    return db.session.scalar(query) is True


def adopt(
    organization_id: UUID,
    version: int,
    before: PolicyDocument,
    after: PolicyDocument,
    action: str,
    *,
    by: Actor,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    despite_tests: bool = False,
    is_draft: bool = False,
) -> int:
    """Makes these policies the next version, if they differ; `facts` go onto the audit log with the change.

    Raises PolicyTestsFailed, unless it is to be `despite_tests`, and ReviewRequired for a change past the drafts where
    policies are reviewed.
    """
    changed = differences(before, after)
    if not changed:
        return version
    if not is_draft and by != SYSTEM and needs_review(organization_id):
        raise ReviewRequired
    if not despite_tests:
        need_passing(after)
    new = versions.add(organization_id, after, by=by, now=now)
    audit.write(
        organization_id,
        action,
        by=by,
        now=now,
        subject_id=", ".join(changed),
        before={"version": version, **{key: old for key, (old, _) in changed.items()}},
        after={"version": new, **{key: new for key, (_, new) in changed.items()}, **(facts or {})},
    )
    return new


@needs_system_scope
def forget(organization_id: UUID, *, now: datetime) -> None:
    """Deletes every version, draft and file of a closed account's; its pages show the defaults."""
    db.session.execute(delete(PolicyDraft).where(PolicyDraft.organization_id == organization_id))
    db.session.execute(delete(PolicyFile).where(PolicyFile.organization_id == organization_id))
    db.session.execute(delete(PolicyVersion).where(PolicyVersion.organization_id == organization_id))
    _seed(organization_id, now=now)


def seed(*, now: datetime) -> int:
    """Gives version 1, the defaults, to every organization that has none; how many got it. Harmless to repeat."""
    bare = select(Organization.id).where(
        ~select(PolicyVersion).where(PolicyVersion.organization_id == Organization.id).exists()
    )
    return sum(_seed(organization_id, now=now) for organization_id in db.session.scalars(bare).all())


def _seed(organization_id: UUID, *, now: datetime) -> bool:
    written = db.session.execute(
        insert(PolicyVersion)
        .values(
            organization_id=organization_id,
            version=1,
            document=msgspec.to_builtins(PolicyDocument()),
            created_at=now,
            created_by_kind=SYSTEM.kind.value,
        )
        .on_conflict_do_nothing()
        .returning(PolicyVersion.version)
    )
    if written.first() is None:
        return False
    audit.write(organization_id, "policy.seeded", by=SYSTEM, now=now, after={"version": 1})
    return True
