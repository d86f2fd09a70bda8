"""Policies to begin with. Each becomes a draft, so that its impact is seen before it is published."""

from flask import render_template

from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.policies.presets import PRESETS, Preset
from api.policies.validation import with_values
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound
from core.htmx import see_other
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.audit_log.changes import changes_of
from portal.customer.policies.proposal_views import MOST_CHANGES

bp = Pages("policy_presets", __name__, url_prefix="/policies/presets")


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return render_template(
        "portal/customer/policies/presets.html",
        presets=[(preset, _changes(preset)) for preset in PRESETS],
        may_change=may(Audience.DEVELOPER),
    )


@bp.post("/<name>")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def create_draft(name: str) -> ViewResponse:
    preset = next((one for one in PRESETS if one.name == name), None)
    if preset is None:
        raise NotFound("Preset not found.")
    organization_id, now = active_membership().organization_id, utc_now()
    with transaction():
        draft = drafts.create(organization_id, name=preset.title, note=preset.explanation, by=actor(), now=now)
        values = preset.values_over(draft.document)
        drafts.change(organization_id, draft, values, expected_revision=draft.revision, by=actor(), now=now)
    return see_other(f"/policies/drafts/{draft.id}")


def _changes(preset: Preset) -> list[str]:
    """What it would change of the active policies."""
    _, document = policies.current(active_membership().organization_id)
    wanted = with_values(document, preset.values_over(document), path_of=str)
    changed = policies.differences(document, wanted)
    old, new = ({key: pair[place] for key, pair in changed.items()} for place in (0, 1))
    return changes_of(old, new)
