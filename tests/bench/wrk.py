"""The load tool `wrk`: as many requests as a number of connections can carry, each sent after the last was answered."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.bench.failures import BenchFailed, Missing

_SCRIPT = Path(__file__).with_name("load.lua")
_TIMEOUT_S = 10


class Load(msgspec.Struct, frozen=True):
    """`refused` counts answers from 400 up, `failed` those that never came."""

    answers: int
    seconds: float
    p50_us: float
    p99_us: float
    refused: int
    failed: int


def program() -> str:
    """Raises Missing."""
    found = shutil.which("wrk")
    if found is None:
        raise Missing("wrk, the load tool, is missing. Get it with `apt-get install wrk` (macOS: `brew install wrk`).")
    return found


def load(url: str, *, body: bytes, authorizations: Sequence[str], connections: int, seconds: int) -> Load:
    """Raises BenchFailed for any answer that is missing or not a success."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{_TIMEOUT_S}s", "-s", str(_SCRIPT)]
    with TemporaryDirectory() as folder:
        body_file, authorizations_file = Path(folder, "body"), Path(folder, "authorizations")
        body_file.write_bytes(body)
        authorizations_file.write_text("".join(f"{one}\n" for one in authorizations))
        command = [program(), *options, url, "--", str(body_file), str(authorizations_file)]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = finished.stdout.splitlines()
    try:
        result = msgspec.json.decode(lines[-1] if lines else "", type=Load)
    except msgspec.MsgspecError as error:
        raise BenchFailed(f"wrk gave no result:\n{finished.stdout}{finished.stderr}") from error
    if result.refused or result.failed or not result.answers:
        raise BenchFailed(f"{url}: of {result.answers} answers {result.refused} refused; {result.failed} failed.")
    return result
