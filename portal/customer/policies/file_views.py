"""Where the active policies differ from the last file that was pushed."""

from flask import render_template

from api.keys import lookup
from api.policies import files
from core.access import Audience, Pages, active_membership, open_to
from core.views import ViewResponse
from portal.changes import changes_of
from portal.customer.team import members

bp = Pages("policy_file", __name__, url_prefix="/policies/file")


@bp.get("")
@open_to(Audience.VIEWER)
def show() -> ViewResponse:
    organization_id = active_membership().organization_id
    drift = files.find_drift(organization_id)
    page = render_template(
        "portal/customer/policies/file.html",
        drift=drift,
        differences=_in_words(drift) if drift else [],
        pushed_by=_name_of(drift.file) if drift else None,
    )
    return page, 200


def _in_words(drift: files.Drift) -> list[str]:
    """From what the file says to what is in force."""
    old, new = ({key: pair[place] for key, pair in drift.differences.items()} for place in (0, 1))
    return changes_of(old, new)


def _name_of(file: files.PushedFile) -> str | None:
    """Of the key or member that pushed it; None for one that is gone."""
    organization_id, who = active_membership().organization_id, {file.pushed_by_id}
    found = {**lookup.names_of(organization_id, who), **members.names_of(organization_id, who)}
    return found.get(file.pushed_by_id)
