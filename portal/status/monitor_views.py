"""Where a monitor outside of us reports what it saw, signed. Without a key in the settings there is no such address."""

from flask import Blueprint, Response

from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.signed_posts import decoded, signed_body
from portal.status import jobs
from portal.status.monitor import Reports, samples_of
from portal.status.states import ProbeSource

bp = Blueprint("monitor", __name__)

PATH = "/webhooks/monitor"
MOST_BYTES = 1_000_000


@bp.post(PATH)
def receive() -> Response:
    """204, also for what was reported before."""
    now = utc_now()
    samples = samples_of(decoded(signed_body(settings().monitor_key), Reports, most_bytes=MOST_BYTES), now=now)
    with acting_as_system(), transaction():
        jobs.note_probes(samples, now=now, source=ProbeSource.MONITOR)
    return Response(status=204)
