"""What must not wait has places in the worker that nothing else can take."""

from pathlib import Path

import psycopg
import pytest

from core.jobs import Queue
from core.jobs.worker import PLACES
from core.mail import deliver_mail
from portal.status.jobs import probe_ourselves
from tests.faults.test_worker_outages import does, leave_job, state_of, worker_on
from tests.services import wait_until

pytestmark = pytest.mark.faults

MORE_THAN_PLACES = 3


def test_probes_and_mail_go_on_while_every_other_place_is_taken(url: str, tmp_path: Path) -> None:
    others = [one for one in PLACES if one not in {Queue.MAIL, Queue.PROBES}]
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE purge_run IN SHARE MODE")  # the purge does not come to its end
        stuck = [leave_job(url, queue=one) for one in others for _ in range(PLACES[one] + MORE_THAN_PLACES)]
        with worker_on(url, tmp_path, PROBE_URL="http://127.0.0.1:1", WEB_THREADS="1"):
            busy = sum(PLACES[one] for one in others)
            wait_until(lambda: under_way(url, stuck) >= busy, "every other place is taken", within_s=120)
            probe, mail = leave_job(url, probe_ourselves.name, Queue.PROBES), leave_mail(url)

            does(url, probe, within_s=15)
            does(url, mail, within_s=15)
            assert under_way(url, stuck) == busy
            holder.rollback()


def under_way(url: str, job_ids: list[int]) -> int:
    return sum(state_of(url, job_id) == "doing" for job_id in job_ids)


def leave_mail(url: str) -> int:
    """One that is there no more, so that nothing is sent."""
    return leave_job(url, deliver_mail.name, Queue.MAIL, mail_id="0" * 32)
