"""The database: one declarative base, the roles the software acts as, and the edge of a transaction.

Three roles own nothing and come with the first migration. `aig_app` sees one organization at a time, by row-level
security; `aig_system` sees all of them, for what serves every organization at once (key look-up, recording, jobs);
`aig_retention` alone may delete decisions. A session that was told nothing sees nothing.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as SessionOfFlask
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    ExceptionContext,
    MetaData,
    Text,
    UpdateBase,
    Uuid,
    any_,
    event,
    text,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, registry
from sqlalchemy.pool import ConnectionPoolEntry

from core.database_address import parts_of


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: DateTime(timezone=True),
            str: Text(),
            dict[str, Any]: JSONB(none_as_null=True),
            list[Any]: JSONB(none_as_null=True),
        },
    )


REPLICA = "replica"
"""The bind of a server that only reads."""

_is_on_replica: ContextVar[bool] = ContextVar("is_on_replica", default=False)


class RoutedSession(SessionOfFlask):
    """A transaction is on one server as a whole, so that its scope holds for all of it."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        if _is_on_replica.get():
            return self._db.engines[REPLICA]
        return super().get_bind(*args, **kwargs)


db = SQLAlchemy(model_class=Base, session_options={"class_": RoutedSession})


@contextmanager
def on_replica() -> Iterator[None]:
    """Transactions that begin and end within it are on the replica."""
    before = _is_on_replica.set(True)
    try:
        yield
    finally:
        _is_on_replica.reset(before)


class DatabaseRole(StrEnum):
    APP = "aig_app"
    SYSTEM = "aig_system"
    RETENTION = "aig_retention"


class TenantScope(msgspec.Struct, frozen=True):
    """On whose behalf statements run. The default may see no row of any organization."""

    role: DatabaseRole = DatabaseRole.APP
    organization_id: UUID | None = None


_scope: ContextVar[TenantScope] = ContextVar("scope", default=TenantScope())  # noqa: B039  frozen, so a shared default is safe


def scope() -> TenantScope:
    return _scope.get()


_SET_SCOPE = text("SELECT set_config('role', :role, true), set_config('app.organization_id', :organization_id, true)")
_SCOPE_IN_FORCE = "aig_scope_in_force"
"""Of a connection on which a session has a transaction: the scope its server was told last, None if that was undone."""
_OF_SAVEPOINTS = ("SAVEPOINT ", "ROLLBACK TO SAVEPOINT ", "RELEASE SAVEPOINT ")
"""They see no row; what was set before one of them may be undone by it."""


@event.listens_for(db.session, "after_begin")
def _begin_without_scope(_session: Session, _transaction: object, connection: Connection) -> None:
    connection.info[_SCOPE_IN_FORCE] = None


@event.listens_for(Engine, "rollback_savepoint")
def forget_scope(connection: Connection, *_: object) -> None:
    """What was set since a savepoint is undone with it; so is what the driver was told behind the session's back."""
    if _SCOPE_IN_FORCE in connection.info:
        connection.info[_SCOPE_IN_FORCE] = None


@event.listens_for(Engine, "checkin")
def _end_of_scope(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info.pop(_SCOPE_IN_FORCE, None)


@event.listens_for(Engine, "before_cursor_execute")
def _run_in_scope(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    """Each statement of a session runs in the scope it was sent in; the server is told when that is another."""
    if _SCOPE_IN_FORCE in connection.info and not statement.startswith(_OF_SAVEPOINTS):
        _apply_scope(connection)


def _apply_scope(connection: Connection) -> None:
    scope = _scope.get()
    if connection.info[_SCOPE_IN_FORCE] == scope:
        return
    connection.info[_SCOPE_IN_FORCE] = scope  # first: this statement is one as well
    try:
        connection.execute(_SET_SCOPE, {"role": scope.role, "organization_id": str(scope.organization_id or "")})
    except BaseException:
        if not connection.invalidated:  # of one that broke nothing can be asked, and its error is the one to see
            forget_scope(connection)
        raise


def driver_connection() -> psycopg.Connection[Any]:
    """The session's connection for what only the driver can do (COPY), in the scope of now."""
    connection = db.session.connection()
    _apply_scope(connection)
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def _acting_in(scope: TenantScope) -> Iterator[None]:
    before = _scope.set(scope)
    try:
        yield
        if db.session.registry.has():
            db.session.flush()  # what was added in this scope is written in it
    finally:
        _scope.reset(before)


def acting_for(organization_id: UUID) -> Any:
    """Within it, statements see this organization and no other."""
    return _acting_in(TenantScope(organization_id=organization_id))


def acting_as_system() -> Any:
    """Within it, statements see every organization. For look-ups before one is known, operators, CLI and jobs."""
    return _acting_in(TenantScope(role=DatabaseRole.SYSTEM))


def acting_for_retention() -> Any:
    """Within it, decisions may be deleted. For the purge and for erasures alone."""
    return _acting_in(TenantScope(role=DatabaseRole.RETENTION))


@contextmanager
def transaction() -> Iterator[None]:
    """Commit once at the end, roll all back on any error. Used by edges: views, CLI, jobs."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


AWAY = (
    psycopg.OperationalError,  # also: no connection came in time, the server shuts down or starts
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,  # after a failover, on a connection to what was the primary
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
)


def is_away(error: BaseException | None) -> bool:
    """Whether the database is away or takes no writes, rather than something wrong with what was asked."""
    while error is not None:
        if isinstance(error, AWAY):
            return True
        error = error.__cause__
    return False


@event.listens_for(Engine, "handle_error")
def _leave_what_takes_no_writes(context: ExceptionContext) -> None:
    """Its connections work, so nothing else would make the pool look for the server that is the primary now."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


def among(column: InstrumentedAttribute[UUID], ids: Collection[UUID]) -> ColumnElement[bool]:
    """As `column.in_(ids)`, however many: they are sent as one parameter, and of those there can be 65,535."""
    return column == any_(sql_cast(list(ids), ARRAY(Uuid)))


def rows_changed(statement: UpdateBase) -> int:
    """Carries out an update or a delete, and counts its rows."""
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]  # of such a statement it is there


def sqlalchemy_url(url: str) -> str:
    """The same address with the driver named; every option goes to libpq as it is."""
    parts = parts_of(url)
    user, password, database = (parts.pop(name, None) for name in ("user", "password", "dbname"))
    address = URL.create("postgresql+psycopg", username=user, password=password, database=database, query=parts)
    return address.render_as_string(hide_password=False)
