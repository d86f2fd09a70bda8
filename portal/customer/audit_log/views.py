"""The audit log as a page and as a file."""

from uuid import UUID

import msgspec
from flask import render_template, request

from api.decisions.export import csv_lines
from core import audit
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.files import leaves_with_body, streamed
from core.views import ViewResponse
from portal.customer.audit_log import services
from portal.paging import chosen_uuid

bp = Pages("trail", __name__, url_prefix="/audit-trail")


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    page = services.list_page(
        active_membership().organization_id,
        action=request.args.get("action") or None,
        actor_id=chosen_uuid(request.args.get("actor")),
        after=chosen_uuid(request.args.get("after")),
    )
    return render_template(
        "portal/customer/audit_log/index.html",
        page=page,
        actions=services.actions_of(active_membership().organization_id),
    )


@bp.get("/export")
@open_to(Audience.VIEWER)
def download() -> ViewResponse:
    """CSV, oldest first."""
    organization_id: UUID = active_membership().organization_id
    if leaves_with_body():
        with transaction():
            audit.write(organization_id, "audit_trail.exported", by=actor(), now=utc_now())

    return streamed(
        organization_id,
        lambda: csv_lines(
            services.Entry.__struct_fields__,
            map(msgspec.structs.asdict, services.stream(organization_id)),
            for_excel=True,
        ),
        content_type="text/csv; charset=utf-8",
        file_name="audit-trail.csv",
    )
