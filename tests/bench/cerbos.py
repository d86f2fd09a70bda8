"""Cerbos, a policy engine in Go, asked the same over HTTP, with its decision log on in a local file."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from core.clock import monotonic_s
from tests.bench import question
from tests.bench.contestants import Contestant, Kept
from tests.bench.failures import Missing
from tests.bench.processes import answers, free_port, fresh_folder, running, wait_until

NAME = "Cerbos"
_PACKAGE = "cerbos"
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_QUIET_S = 0.3
_SETTLED_WITHIN_S = 60.0


class DecisionFile:
    """The file to which Cerbos writes a line for each decision. Emptied between measurements."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> None:
        self.settle()
        os.truncate(self._path, 0)

    def settle(self) -> float:
        """How long until the file grew no more."""
        began_s = monotonic_s()
        wait_until(self._is_quiet, "the decision log is quiet", within_s=_SETTLED_WITHIN_S, every_s=0)
        return monotonic_s() - began_s - _QUIET_S

    def kept(self) -> Kept:
        rows = refused = 0
        with self._path.open("rb") as file:
            for line in file:
                rows += 1
                refused += b"EFFECT_DENY" in line
        return Kept(rows=rows, refused=refused)

    def _is_quiet(self) -> bool:
        size_bytes = self._path.stat().st_size
        time.sleep(_QUIET_S)
        return self._path.stat().st_size == size_bytes


def program(folder: Path) -> Path:
    """The server from the npm package under the folder, installed if it is not there yet. Raises Missing."""
    place = folder / "npm"
    system, machine = platform.system().lower(), _ARCHITECTURES.get(platform.machine().lower(), "")
    name = f"cerbos-{system}-{machine}"
    found = place / "node_modules" / "@cerbos" / name / name
    if not found.exists():
        _install(place)
    if not found.exists():
        raise Missing(f"Cerbos is missing: its npm package brings no server for {system} on {platform.machine()}.")
    return found


def version(folder: Path) -> str:
    said = subprocess.run([program(folder), "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[0]


@contextmanager
def serving(folder: Path) -> Iterator[Contestant]:
    """Raises Missing."""
    binary = program(folder)
    with fresh_folder(folder / "cerbos") as place:
        log_path, port = place / "decisions.log", free_port()
        configuration = _write_configuration(place, log_path, port)
        url = f"http://127.0.0.1:{port}"
        with running(
            NAME.lower(),
            [str(binary), "server", f"--config={configuration}", "--log-level=error"],
            log_folder=folder / "logs",
            is_ready=lambda: answers(f"{url}/_cerbos/health"),
        ) as process:
            yield Contestant(
                name=NAME,
                url=f"{url}/api/check/resources",
                body_of=question.cerbos_body,
                says_yes=_says_yes,
                roots=(process,),
                record=DecisionFile(log_path),
            )


def _write_configuration(place: Path, log_path: Path, port: int) -> Path:
    """Written as JSON, which is YAML."""
    policies = place / "policies"
    policies.mkdir()
    (policies / "ai_operation.json").write_bytes(msgspec.json.encode(question.cerbos_policy()))
    settings = {
        "server": {"httpListenAddr": f"127.0.0.1:{port}", "grpcListenAddr": f"127.0.0.1:{free_port()}"},
        "storage": {"driver": "disk", "disk": {"directory": str(policies), "watchForChanges": False}},
        "audit": {
            "enabled": True,
            "accessLogsEnabled": False,
            "decisionLogsEnabled": True,
            "backend": "file",
            "file": {"path": str(log_path)},
        },
        "telemetry": {"disabled": True},
    }
    configuration = place / "configuration.yaml"
    configuration.write_bytes(msgspec.json.encode(settings))
    return configuration


def _says_yes(answer: bytes) -> bool:
    effect: str = msgspec.json.decode(answer)["results"][0]["actions"]["perform"]
    return effect == "EFFECT_ALLOW"


def _install(folder: Path) -> None:
    if shutil.which("npm") is None:
        raise Missing("npm is missing, which brings Cerbos. Get it with Node.js (Debian: `apt-get install npm`).")
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder), _PACKAGE]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise Missing(f"Cerbos is missing, and npm could not install it:\n{finished.stderr.strip()[-1000:]}")
