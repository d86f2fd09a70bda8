"""Rows as they are now. One name for each of what SQLAlchemy spells with options, so that the reason stands once.

A session goes on showing a row as it first read it. Who has waited since, for a lock, for an outside service or for
another process, has to read it anew; who decides by what it reads and then writes has to hold it as well. What was
written in this session before has to be flushed, or it is overwritten by what is read.
"""

from typing import Any, TypeVar

from sqlalchemy import Executable, Select
from sqlalchemy.orm import InstrumentedAttribute

from core.db import Base, db

Row = TypeVar("Row", bound=Base)
Query = TypeVar("Query", bound=Executable)
RowQuery = TypeVar("RowQuery", bound=Select[*tuple[Any, ...]])


def fresh(model: type[Row], key: Any) -> Row:
    """Read anew. Raises NoResultFound."""
    return db.session.get_one(model, key, populate_existing=True)


def find_fresh(model: type[Row], key: Any) -> Row | None:
    return db.session.get(model, key, populate_existing=True)


def locked(model: type[Row], key: Any) -> Row:
    """Read anew, and nobody else changes it before the transaction ends. Raises NoResultFound."""
    return db.session.get_one(model, key, with_for_update=True, populate_existing=True)


def find_locked(model: type[Row], key: Any) -> Row | None:
    return db.session.get(model, key, with_for_update=True, populate_existing=True)


def read_anew(query: Query) -> Query:
    """As `fresh`, for whatever the query finds."""
    return query.execution_options(populate_existing=True)


def locking(
    query: RowQuery,
    *,
    of: type[Base] | tuple[type[Base], ...] | InstrumentedAttribute[Any] | None = None,
    skip_locked: bool = False,
    key_share: bool = False,
) -> RowQuery:
    """As `locked`, for whatever the query finds.

    `skip_locked` leaves out what somebody else works on; `key_share` lets others write rows that only refer to it.
    """
    held = query.with_for_update(of=of, skip_locked=skip_locked, key_share=key_share)
    return held.execution_options(populate_existing=True)
