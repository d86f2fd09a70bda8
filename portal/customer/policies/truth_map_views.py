"""The truth map of the active policies or of a draft: what each combination of the facts that matter comes to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import render_template, request

from api.policies.compiled_rules import ConditionRefused
from api.policies.document import PolicyDocument
from api.policies.drafts import services as drafts
from api.policies.truth_map.maps import VARIES, truth_map_of
from api.policies.truth_map.table import MOST_CELLS, MOST_VARIED
from core.access import Audience, Pages, active_membership, open_to
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES, in_force

bp = Pages("policy_truth_map", __name__, url_prefix="/policies")

_FACT = "fact."
"""What stands before a fact's name in the address, so that it is no other parameter's."""


@bp.get("/truth-map")
@per_person(MOST_CHANGES)
@open_to(Audience.VIEWER)
def show() -> ViewResponse:
    return _page(in_force(), place="/policies")


@bp.get("/drafts/<uuid:draft_id>/truth-map")
@per_person(MOST_CHANGES)
@open_to(Audience.VIEWER)
def show_draft(draft_id: UUID) -> ViewResponse:
    draft = drafts.find(active_membership().organization_id, draft_id)
    return _page(draft.document, place=f"/policies/drafts/{draft.id}", draft=draft)


def _page(document: PolicyDocument, **found: Any) -> ViewResponse:
    with_trials = request.args.get("trials") == "enforced"
    try:
        found["map"] = truth_map_of(document, chosen=_chosen(), with_trials=with_trials)
    except ConditionRefused:
        found["map"] = None
    return render_template(
        "portal/customer/policies/truth_map.html",
        with_trials=with_trials,
        varies=VARIES,
        prefix=_FACT,
        most_cells=MOST_CELLS,
        most_varied=MOST_VARIED,
        **found,
    )


def _chosen() -> Mapping[str, str]:
    return {name.removeprefix(_FACT): value for name, value in request.args.items() if name.startswith(_FACT)}
