"""The audit log as a page and as a file."""

import msgspec
from flask import render_template, request

from api.decisions.export import csv_lines
from core import audit
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.files import leaves_with_body, streamed
from core.replica import reads_replica
from core.views import ViewResponse
from portal.customer.audit_log import services
from portal.paging import chosen_day, chosen_uuid

bp = Pages("trail", __name__, url_prefix="/audit-trail")

MOST_MEMBERS = 100
"""To choose from; of more, one is found by typing."""
_MOST_LETTERS = 100


@bp.get("")
@open_to(Audience.VIEWER)
@reads_replica
def index() -> ViewResponse:
    organization_id = active_membership().organization_id
    return render_template(
        "portal/customer/audit_log/index.html",
        page=services.list_page(organization_id, _chosen(), after=chosen_uuid(request.args.get("after"))),
        actions=services.actions_of(organization_id),
        members=services.members_on(organization_id, most=MOST_MEMBERS + 1),
        most_members=MOST_MEMBERS,
        kept={name: request.args[name] for name in ("action", "actor", "who", "from", "to") if request.args.get(name)},
    )


@bp.get("/export")
@open_to(Audience.VIEWER)
def download() -> ViewResponse:
    """CSV, oldest first; of all, or of what the page was narrowed to."""
    organization_id, chosen = active_membership().organization_id, _chosen()
    if leaves_with_body():
        with transaction():
            audit.write(organization_id, "audit_trail.exported", by=actor(), now=utc_now())

    return streamed(
        organization_id,
        lambda: csv_lines(
            services.Entry.__struct_fields__,
            map(msgspec.structs.asdict, services.stream(organization_id, chosen)),
            for_excel=True,
        ),
        content_type="text/csv; charset=utf-8",
        file_name="audit-trail.csv",
    )


def _chosen() -> services.AuditLogFilter:
    """Raises InvalidRequest for what is no id and no day."""
    return services.AuditLogFilter(
        action=request.args.get("action") or None,
        actor_id=chosen_uuid(request.args.get("actor")),
        who=request.args.get("who", "").strip()[:_MOST_LETTERS] or None,
        since=chosen_day(request.args.get("from")),
        until=chosen_day(request.args.get("to")),
    )
