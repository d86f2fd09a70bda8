"""The signed heads over the decision log: the last one, the keys, and what a stranger needs to verify the log."""

from datetime import timedelta
from http import HTTPStatus

import msgspec
from flask import Response, render_template, request

from api.ledger import chain, evidence
from core import audit
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest, NotFound
from core.files import leaves_with_body, streamed
from core.views import ViewResponse

bp = Pages("log_integrity", __name__, url_prefix="/decisions/integrity")

PERIODS = {"1": "24 hours", "7": "7 days", "30": "30 days", "all": "Whole log"}


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    organization_id = active_membership().organization_id
    return render_template(
        "portal/customer/decisions/integrity.html",
        status=chain.status_of(organization_id),
        keys=evidence.keys_as_data(),
        periods=PERIODS,
    )


@bp.get("/head")
@open_to(Audience.VIEWER)
def head() -> ViewResponse:
    """The last one, to be kept where we cannot reach it."""
    last = chain.last_head(active_membership().organization_id)
    if last is None:
        raise NotFound("No head is signed yet. Run a check and come back in two minutes.")
    return _attachment(
        msgspec.json.encode(evidence.head_as_data(last)), "application/json", f"decision-log-head-{last.sequence}.json"
    )


@bp.get("/evidence")
@open_to(Audience.VIEWER)
def download() -> ViewResponse:
    """Raises InvalidRequest for a period that is not offered."""
    period, now = request.args.get("period", "1"), utc_now()
    if period not in PERIODS:
        raise InvalidRequest(f"Choose a period: {', '.join(PERIODS)}.")
    organization_id = active_membership().organization_id
    since = None if period == "all" else now - timedelta(days=int(period))
    if leaves_with_body():
        with transaction():
            audit.write(organization_id, "decisions.exported", by=actor(), now=now, after={"format": "evidence"})
    return streamed(
        organization_id,
        lambda: evidence.lines(organization_id, since=since),
        content_type="application/x-ndjson",
        file_name="decision-log-evidence.ndjson",
    )


@bp.get("/verifier")
@open_to(Audience.VIEWER)
def verifier() -> ViewResponse:
    return _attachment(evidence.PROGRAM.read_bytes(), "text/x-python; charset=utf-8", evidence.PROGRAM.name)


def _attachment(body: bytes, content_type: str, file_name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return Response(body, HTTPStatus.OK, headers, content_type=content_type)
