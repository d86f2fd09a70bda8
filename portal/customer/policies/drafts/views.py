"""A draft as a whole: created, shown with what it changes, rebased, published or discarded."""

from uuid import UUID

from flask import flash, render_template, request

from api.policies import services as policies
from api.policies import versions
from api.policies.drafts import services as drafts
from api.policies.drafts.errors import DraftChanged
from api.policies.drafts.merging import Prefer
from api.policies.environments import end_on_test_keys, on_test_keys
from api.publishing import services as publishing
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES, hard_blocks_off, in_words
from portal.customer.policies.drafts.forms import DetailsForm
from portal.customer.policies.drafts.impact_views import impact_of
from portal.customer.policies.drafts.review_views import review_of
from portal.customer.policies.drafts.testing import tests_of
from portal.customer.policies.forms import SeenVersionForm
from portal.customer.team import members

bp = Pages("policy_drafts", __name__, url_prefix="/policies/drafts")


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return _index(DetailsForm(formdata=None))


@bp.post("")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create() -> ViewResponse:
    form = DetailsForm()
    if not form.validate():
        return _index(form, status=422)
    with transaction():
        draft = drafts.create(
            active_membership().organization_id, name=form.name.data, note=form.note.data, by=actor(), now=utc_now()
        )
    return see_other(f"/policies/drafts/{draft.id}")


@bp.get("/<uuid:draft_id>")
@open_to(Audience.VIEWER)
def show(draft_id: UUID) -> ViewResponse:
    return _show(_find(draft_id))


@bp.post("/<uuid:draft_id>/rebase")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def rebase(draft_id: UUID) -> ViewResponse:
    """Onto the active version; what both changed differently is shown first, with the choice whose value to take."""
    draft = _find(draft_id)
    try:
        with transaction():
            result = drafts.rebase(
                active_membership().organization_id,
                draft,
                prefer=_prefer(),
                expected_revision=_seen_revision(),
                by=actor(),
                now=utc_now(),
            )
    except InvalidRequest as refused:
        return _show(draft, faults=refused.errors, status=422)
    if result.conflicts:
        return _show(draft, conflicts=result.conflicts, status=409)
    flash("Draft rebased onto the active version.")
    return see_other(f"/policies/drafts/{draft_id}")


@bp.post("/<uuid:draft_id>/publish")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def publish(draft_id: UUID) -> ViewResponse:
    with transaction():
        version = publishing.publish(
            active_membership().organization_id,
            _find(draft_id),
            expected_revision=_seen_revision(),
            by=actor(),
            now=utc_now(),
        )
    flash(f"Draft published as version {version}. It applies to all checks within a second.")
    return see_other("/policies")


@bp.post("/<uuid:draft_id>/publish-to-test")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def publish_to_test(draft_id: UUID) -> ViewResponse:
    with transaction():
        version = publishing.publish_to_test_keys(
            active_membership().organization_id,
            _find(draft_id),
            expected_revision=_seen_revision(),
            by=actor(),
            now=utc_now(),
        )
    flash(f"Draft published to test keys as version {version}. Live keys keep their policies.")
    return see_other(f"/policies/drafts/{draft_id}#publish")


@bp.post("/<uuid:draft_id>/end-test")
@open_to(Audience.DEVELOPER)
def end_test(draft_id: UUID) -> ViewResponse:
    draft = _find(draft_id)
    with transaction():
        end_on_test_keys(active_membership().organization_id, draft.id, by=actor(), now=utc_now())
    flash("Test ended. Test keys use the same policies as live keys again.")
    return see_other(f"/policies/drafts/{draft_id}#publish")


@bp.post("/<uuid:draft_id>/discard")
@open_to(Audience.DEVELOPER)
def discard(draft_id: UUID) -> ViewResponse:
    with transaction():
        drafts.discard(
            active_membership().organization_id,
            _find(draft_id),
            expected_revision=_seen_revision(),
            by=actor(),
            now=utc_now(),
        )
    flash("Draft discarded.")
    return see_other("/policies/drafts")


def _find(draft_id: UUID) -> drafts.Draft:
    return drafts.find(active_membership().organization_id, draft_id)


def _seen_revision() -> int:
    """Raises DraftChanged, also for a form that names none."""
    form = SeenVersionForm()
    if not form.validate():
        raise DraftChanged
    return int(form.version.data)


def _prefer() -> Prefer | None:
    given = request.form.get("prefer")
    return Prefer(given) if given in set(Prefer) else None


def _index(form: DetailsForm, *, status: int = 200) -> ViewResponse:
    organization_id = active_membership().organization_id
    opened, closed = drafts.list_open(organization_id), drafts.list_closed(organization_id)
    page = render_template(
        "portal/customer/policies/drafts/index.html",
        form=form,
        open_drafts=opened,
        closed_drafts=closed,
        version=policies.current(organization_id)[0],
        names=members.names_of(organization_id, {one.created_by_id for one in (*opened, *closed) if one.created_by_id}),
        may_change=may(Audience.DEVELOPER),
    )
    return page, status


def _show(draft: drafts.Draft, *, status: int = 200, **found: object) -> ViewResponse:
    organization_id = active_membership().organization_id
    version, active = policies.current(organization_id)
    base = policies.find_version(organization_id, draft.base_version).document
    impact, on_test = impact_of(draft), on_test_keys(organization_id)
    page = render_template(
        "portal/customer/policies/drafts/show.html",
        draft=draft,
        version=version,
        next_version=versions.next_number(organization_id),
        on_test=on_test if on_test and on_test.draft_id == draft.id else None,
        is_outdated=draft.is_open and version != draft.base_version,
        changes=in_words(base, draft.document),
        loosened=hard_blocks_off(base, draft.document),
        published_since=in_words(base, active),
        author=_author(draft),
        **tests_of(draft, impact["impact"]),
        **review_of(draft),
        **impact,
        **found,
    )
    return page, status


def _author(draft: drafts.Draft) -> str | None:
    if draft.created_by_id is None:
        return None
    return members.names_of(active_membership().organization_id, [draft.created_by_id]).get(draft.created_by_id)
