"""What a database holds, in figures that can be compared: of each table its rows and a checksum over all of them."""

from collections.abc import Iterable
from typing import LiteralString

import msgspec
import psycopg
from psycopg import sql

SAME_WORDS = (
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO'",
    "SET IntervalStyle = 'postgres'",
    "SET extra_float_digits = 1",
    "SET bytea_output = 'hex'",
    "SET statement_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
)
"""A row is put into the same words on every server; and a long count is not cut off."""

_TABLES: LiteralString = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
    ORDER BY n.nspname, c.relname
"""
"""Ordinary tables and partitions, without those that belong to an extension, which a dump does not hold either."""

_FIGURES: LiteralString = """
    SELECT count(*), coalesce(sum(('x' || left(digest, 16))::bit(64)::bigint), 0)
    FROM (SELECT encode(sha256(convert_to(t::text, 'UTF8')), 'hex') AS digest FROM ONLY {} t) AS of_rows
"""
"""A sum, since the order of rows means nothing; of SHA-256, which is the same in every version of PostgreSQL."""


class TableContents(msgspec.Struct, frozen=True):
    name: str
    rows: int
    checksum: str


def tables_of(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return [(schema, name) for schema, name in connection.execute(_TABLES).fetchall()]


def contents_of(connection: psycopg.Connection) -> tuple[TableContents, ...]:
    """Of the open transaction's moment, if one is open."""
    for setting in SAME_WORDS:
        connection.execute(setting)
    return tuple(_figures(connection, schema, name) for schema, name in tables_of(connection))


def _figures(connection: psycopg.Connection, schema: str, name: str) -> TableContents:
    [(rows, checksum)] = connection.execute(sql.SQL(_FIGURES).format(sql.Identifier(schema, name))).fetchall()
    return TableContents(f"{schema}.{name}", rows=rows, checksum=str(checksum))


def differences(expected: Iterable[TableContents], found: Iterable[TableContents]) -> list[str]:
    """One line for each table that is missing, too much, or not the same."""
    before, after = ({one.name: one for one in tables} for tables in (expected, found))
    lines = [f"{name} is missing" for name in sorted(before.keys() - after.keys())]
    lines += [f"{name} should not be there" for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        if before[name].rows != after[name].rows:
            lines.append(f"{name} has {after[name].rows} rows instead of {before[name].rows}")
        elif before[name] != after[name]:
            lines.append(f"{name} has as many rows as it should, but not the same")
    return lines
