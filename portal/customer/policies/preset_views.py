"""Policies to begin with. Each becomes a draft, so that its impact is seen before it is published."""

from flask import render_template

from api.policies.document import PolicyDocument
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
from portal.customer.policies.comparing import MOST_CHANGES, in_force, in_words

bp = Pages("policy_presets", __name__, url_prefix="/policies/presets")


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    active = in_force()
    return render_template(
        "portal/customer/policies/presets.html",
        presets=[(preset, _changes(preset, active)) for preset in PRESETS],
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


def _changes(preset: Preset, active: PolicyDocument) -> list[str]:
    """What it would change of the active policies."""
    return in_words(active, with_values(active, preset.values_over(active), path_of=str))
