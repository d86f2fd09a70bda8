"""`pg_dump` and `pg_restore`: which are used, and how they are told where the database is.

No password is ever an argument, which every user of the machine could read: libpq's own variables carry it. The
programs see nothing else of our environment.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import msgspec
import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backups.errors import BackupTrouble
from core.postgres_programs import programs_of_wheel

_KEPT_OF_OURS = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR")
_PATIENCE = {"connect_timeout": 20, "keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 8}
_LONGEST_COMPLAINT = 300


class Programs(msgspec.Struct, frozen=True):
    """Of one major version, at least that of the server they are used with."""

    folder: Path
    major: int

    @contextmanager
    def running(self, name: str, *options: str, database_url: str) -> Iterator["Running"]:
        """The program with pipes to its standard input and output; raises BackupTrouble if it ends badly."""
        where, environment = _address(database_url)
        command = [str(self.folder / name), *options, "--no-password", f"--dbname={where}"]
        with (
            tempfile.TemporaryFile() as complaints,
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, env=environment
            ) as process,
        ):
            try:
                yield Running(cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout))
            except BrokenPipeError:
                pass  # the program left early; its own words say why
            except BaseException:
                process.kill()
                raise
            finally:
                _close(process)
            if process.wait():
                raise BackupTrouble(_complaint(name, complaints))


class Running(msgspec.Struct, frozen=True):
    input: IO[bytes]
    output: IO[bytes]


def programs_for(database_url: str, *, setting: str | None) -> Programs:
    """Raises BackupTrouble if there are none, or none that is new enough for the server."""
    needed = server_major(database_url)
    found = [program for folder in _folders(database_url, setting) if (program := _look_into(folder)) is not None]
    for programs in found:
        if programs.major >= needed:
            return programs
    have = f"only version {max(one.major for one in found)} is here" if found else "none is here"
    raise BackupTrouble(
        f"The server is PostgreSQL {needed} and needs pg_dump and pg_restore of version {needed} or newer; {have}. "
        f"Install them (Debian: postgresql-client-{needed}), or set POSTGRES_BIN to the folder they are in."
    )


def server_major(database_url: str) -> int:
    with connected(database_url) as connection:
        return connection.info.server_version // 10_000


@contextmanager
def connected(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection of its own, in autocommit, as the login that owns the tables."""
    try:
        connection = psycopg.connect(make_conninfo(database_url, **_PATIENCE), autocommit=True)
    except psycopg.OperationalError as error:
        raise BackupTrouble(
            f"The database refused the connection: {_first_line(str(error))}. "
            "Check that it exists and DATABASE_URL is right."
        ) from error
    with connection:
        yield connection


def _folders(database_url: str, setting: str | None) -> Sequence[Path]:
    """The wheel's programs know no TLS, so they serve where the database is on a socket of this machine."""
    if setting is not None:
        return [Path(setting)]
    on_path = shutil.which("pg_dump")
    host = str(conninfo_to_dict(database_url).get("host") or "")
    folders = [programs_of_wheel()] if host.startswith("/") else []
    return [*folders, Path(on_path).parent] if on_path else folders


def _look_into(folder: Path) -> Programs | None:
    """None unless both programs are there."""
    if not (folder / "pg_restore").exists():
        return None
    try:
        told = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", told.stdout)
    return Programs(folder, int(version[1])) if version else None


def _address(database_url: str) -> tuple[str, dict[str, str]]:
    """As libpq's variables; and, in the form of an argument, what has none. Passwords are refused there."""
    variables = {
        option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar
    }
    parts = {name: str(value) for name, value in conninfo_to_dict(database_url, **_PATIENCE).items()}
    told = {variables[name]: value for name, value in parts.items() if name in variables}
    rest = {name: value for name, value in parts.items() if name not in variables}
    if "sslpassword" in rest:
        raise BackupTrouble(
            "DATABASE_URL has an sslpassword, which cannot be passed to pg_dump safely. Use a key without a password."
        )
    ours = {name: os.environ[name] for name in _KEPT_OF_OURS if name in os.environ}
    return make_conninfo("", dbname=parts.get("dbname", ""), **rest), {**ours, **told}


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except BrokenPipeError:
            continue


def _complaint(name: str, complaints: IO[bytes]) -> str:
    """The first line alone: those after it can quote rows."""
    complaints.seek(0)
    words = _first_line(complaints.read(10_000).decode(errors="replace")).removeprefix(f"{name}: ")
    return f"{name} stopped: {words.removeprefix('error: ') or 'it gave no reason'}"


def _first_line(words: str) -> str:
    return next(iter(words.strip().splitlines()), "")[:_LONGEST_COMPLAINT]
