"""The impact of a draft: asked for, watched, canceled, and its differing decisions as a file."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import render_template
from wtforms import SelectField

from api.decisions import export
from api.decisions import services as decisions
from api.decisions.impact import services as impacts
from api.decisions.impact.analysis import differing
from api.decisions.impact.jobs import analyze_impact
from api.decisions.schema import ExportFormat
from api.keys import lookup
from api.policies.drafts import services as drafts
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest, NotFound
from core.files import leaves_with_body, streamed
from core.forms import Form
from core.htmx import see_other
from core.ids import public_id
from core.jobs import defer
from core.throttle import per_person
from core.views import ViewResponse

bp = Pages("policy_impact", __name__, url_prefix="/policies/drafts/<uuid:draft_id>/impact")

MOST_ANALYSES = "10 per minute"
PERIODS = {"1": "The last day", "7": "The last 7 days", "30": "The last 30 days", "90": "The last 90 days"}
_FIELDS = ("decision_id", "difference", "reason", "model", "application", "key_id", "risk_score", "risk_score_in_draft")


class ImpactForm(Form):
    days = SelectField("Decisions of", choices=PERIODS, default="7")


@bp.get("")
@open_to(Audience.VIEWER)
def show(draft_id: UUID) -> ViewResponse:
    """The block of the draft's page that shows itself anew while the analysis runs."""
    draft = drafts.find(active_membership().organization_id, draft_id)
    return render_template("portal/customer/policies/drafts/_impact.html", draft=draft, **impact_of(draft))


@bp.post("")
@per_person(MOST_ANALYSES)
@open_to(Audience.DEVELOPER)
def create(draft_id: UUID) -> ViewResponse:
    organization_id = active_membership().organization_id
    draft, form = drafts.find(organization_id, draft_id), ImpactForm()
    if not form.validate():
        raise InvalidRequest("Choose one of the periods.")
    with transaction():
        impact = impacts.request(organization_id, draft, days=int(form.days.data), by=actor(), now=utc_now())
        defer(analyze_impact, organization_id=str(organization_id), impact_id=str(impact.id))
    return see_other(f"/policies/drafts/{draft_id}#impact")


@bp.post("/cancel")
@open_to(Audience.DEVELOPER)
def cancel(draft_id: UUID) -> ViewResponse:
    """One that is done by now stays done."""
    organization_id = active_membership().organization_id
    draft = drafts.find(organization_id, draft_id)
    impact = impacts.find_latest(organization_id, draft.id)
    if impact is not None:
        with transaction():
            impacts.cancel(organization_id, impact, now=utc_now())
    return see_other(f"/policies/drafts/{draft_id}#impact")


@bp.get("/differences.csv")
@open_to(Audience.VIEWER)
def download(draft_id: UUID) -> ViewResponse:
    organization_id = active_membership().organization_id
    draft = drafts.find(organization_id, draft_id)
    impact = impacts.find_latest(organization_id, draft.id)
    if impact is None or impact.is_under_way:
        raise NotFound("There is no finished analysis of this draft.")
    if leaves_with_body():
        with transaction():
            decisions.note_export(organization_id, ExportFormat.CSV, by=actor(), now=utc_now())
    return streamed(
        organization_id,
        lambda: export.csv_lines(_FIELDS, _rows(organization_id, impact), for_excel=True),
        content_type=export.CONTENT_TYPES[ExportFormat.CSV],
        file_name="differing-decisions.csv",
    )


def impact_of(draft: drafts.Draft) -> dict[str, Any]:
    """What the block shows."""
    organization_id = active_membership().organization_id
    impact = impacts.find_latest(organization_id, draft.id)
    keys = {UUID(hex=value) for value, _ in impact.tally.shares("key") if value != "(others)"} if impact else set()
    return {
        "impact": impact,
        "impact_form": ImpactForm(formdata=None),
        "is_stale": impact is not None and draft.is_open and not impact.is_of(draft),
        "erased": impacts.erased_since(organization_id, impact.since) if impact else 0,
        "key_names": {key.hex: name for key, name in lookup.names_of(organization_id, keys).items()},
        "may_change": may(Audience.DEVELOPER) and draft.is_open,
    }


def _rows(organization_id: UUID, impact: impacts.Impact) -> Iterator[dict[str, Any]]:
    for decision_id, judgment in differing(organization_id, impact):
        reason, model, application, key = judgment.values
        before, after = judgment.scores
        values = (
            public_id("dec", decision_id),
            judgment.difference,
            reason,
            model,
            application,
            f"key_{key}",
            before,
            after,
        )
        yield dict(zip(_FIELDS, values, strict=True))
