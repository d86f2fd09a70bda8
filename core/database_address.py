"""DATABASE_URL as libpq reads it: one host or several (`host1:5432,host2:5432`), and options after the question mark.

Everybody who reads such an address reads it here, so that what libpq takes is not refused by another parser.
"""

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

_SCHEMES = ("postgresql://", "postgres://")


class DatabaseAddress(msgspec.Struct, frozen=True):
    """`hosts` is empty for the socket that libpq takes by itself."""

    hosts: tuple[str, ...]
    password: str | None
    options: dict[str, str]

    @property
    def remote_hosts(self) -> tuple[str, ...]:
        """Without sockets of this machine."""
        return tuple(host for host in self.hosts if not host.startswith("/"))


def read(url: str) -> DatabaseAddress | None:
    """The parts of an address; None if it is none."""
    try:
        parts = parts_of(url)
    except psycopg.ProgrammingError:
        return None
    ports = [port for port in parts.get("port", "").split(",") if port]
    if not url.startswith(_SCHEMES) or not all(port.isdecimal() for port in ports):
        return None
    where = parts.get("hostaddr") or parts.get("host", "")  # libpq goes by the address where both are given
    hosts = tuple(host for host in where.split(",") if host)
    return DatabaseAddress(hosts=hosts, password=parts.get("password"), options=parts)


def parts_of(url: str) -> dict[str, str]:
    """libpq's options by name; raises psycopg.ProgrammingError."""
    return {name: str(value) for name, value in conninfo_to_dict(url).items()}
