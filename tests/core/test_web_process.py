"""The web server's processes: what cannot start is tried ever more slowly, and a stop waits for none."""

import os
import signal
import subprocess
import sys

from tests.databases import ROOT
from tests.services import wait_until

SCRIPT = """
import os, sys, time
from core.web_process import Supervisor

def work(place):
    print(place, flush=True)
    if place == 1:
        os._exit(1)
    time.sleep(60)

supervisor = Supervisor(2, work, ended=lambda place: print("ended", place, flush=True))
supervisor.run()
supervisor.stop(within_s=5)
"""


def test_one_that_cannot_start_is_tried_ever_more_slowly_beside_one_that_serves() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    said: list[bytes] = []

    def has_ended_thrice() -> bool:
        said.extend((process.stdout.read() or b"").splitlines() if process.stdout else [])
        return said.count(b"ended 1") >= 4

    wait_until(has_ended_thrice, "it was tried four times")
    process.send_signal(signal.SIGTERM)

    assert process.wait(5) == 0
    assert said.count(b"0") == 1
    assert b"ended 0" not in said
    process.stdout.close()
