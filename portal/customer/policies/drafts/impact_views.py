"""The impact of a draft: asked for, watched, canceled, and its differing decisions as a file."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import make_response, render_template
from wtforms import SelectField

from api.decisions import export
from api.decisions import services as decisions
from api.decisions.impact import services as impacts
from api.decisions.impact.analysis import differing
from api.decisions.impact.jobs import analyze_impact
from api.decisions.schema import ExportFormat
from api.keys import lookup
from api.policies import services as policies
from api.policies.drafts import services as drafts
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest, NotFound
from core.files import leaves_with_body, streamed
from core.forms import Form
from core.htmx import is_htmx, see_other
from core.ids import public_id
from core.jobs import defer
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.organization import services as organizations

bp = Pages("policy_impact", __name__, url_prefix="/policies/drafts/<uuid:draft_id>/impact")

MOST_ANALYSES = "10 per minute"
PERIODS_DAYS = (1, 7, 30, 90, 365)
_FIELDS = ("decision_id", "difference", "reason", "model", "application", "key_id", "risk_score", "risk_score_in_draft")


class ImpactForm(Form):
    days = SelectField("Decisions of", default=str(impacts.DEFAULT_DAYS))

    @classmethod
    def offering(cls, kept_days: int, **given: Any) -> "ImpactForm":
        """Periods up to all that the log keeps."""
        form = cls(**given)
        form.days.choices = [
            *(
                (str(days), "The last day" if days == 1 else f"The last {days} days")
                for days in PERIODS_DAYS
                if days < kept_days
            ),
            (str(kept_days), f"All {kept_days:,} days in the log"),
        ]
        return form


@bp.get("")
@open_to(Audience.VIEWER)
def show(draft_id: UUID) -> ViewResponse:
    """The block of the draft's page that shows itself anew while the analysis runs; then the whole page does once."""
    draft = drafts.find(active_membership().organization_id, draft_id)
    if not is_htmx():
        return see_other(f"/policies/drafts/{draft_id}#impact")
    found = impact_of(draft)
    block = make_response(render_template("portal/customer/policies/drafts/_impact.html", draft=draft, **found))
    if not (found["impact"] and found["impact"].is_under_way):
        block.headers["HX-Refresh"] = "true"
    return block


@bp.post("")
@per_person(MOST_ANALYSES)
@open_to(Audience.DEVELOPER)
def create(draft_id: UUID) -> ViewResponse:
    organization_id = active_membership().organization_id
    draft, form = drafts.find(organization_id, draft_id), ImpactForm.offering(_kept_days(organization_id))
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
    impact, (version, _) = impacts.find_latest(organization_id, draft.id), policies.current(organization_id)
    keys = {UUID(hex=value) for value, _ in impact.tally.shares("key") if value != "(others)"} if impact else set()
    return {
        "impact": impact,
        "impact_form": ImpactForm.offering(_kept_days(organization_id), formdata=None),
        "is_stale": impact is not None and draft.is_open and impact.is_stale(draft, active_version=version),
        "active_version": version,
        "erased": impacts.erased_since(organization_id, impact.since) if impact else 0,
        "key_names": {key.hex: name for key, name in lookup.names_of(organization_id, keys).items()},
        "may_change": may(Audience.DEVELOPER) and draft.is_open,
    }


def _kept_days(organization_id: UUID) -> int:
    return organizations.find(organization_id).retention_days


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
