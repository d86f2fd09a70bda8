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
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from flask_sqlalchemy import SQLAlchemy
from psycopg.abc import PQGen
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


db = SQLAlchemy(model_class=Base)


Result = TypeVar("Result")


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


def _apply_scope(connection: Connection) -> None:
    scope = _scope.get()
    connection.execute(_SET_SCOPE, {"role": scope.role, "organization_id": str(scope.organization_id or "")})


@event.listens_for(db.session, "after_begin")
def _scope_on_begin(_session: Session, _transaction: object, connection: Connection) -> None:
    _apply_scope(connection)


@contextmanager
def _acting_in(scope: TenantScope) -> Iterator[None]:
    before = _scope.set(scope)
    try:
        _apply_to_open_transaction()
        yield
        if db.session.registry.has():
            db.session.flush()  # what was added in this scope is written in it
    finally:
        _scope.reset(before)
        _apply_to_open_transaction()


def _apply_to_open_transaction() -> None:
    """A scope entered or left within a transaction holds at once; one that failed is past caring."""
    if db.session.registry.has() and db.session().in_transaction() and db.session().is_active:
        _apply_scope(db.session().connection())


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


class DeadlineConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which nothing waits longer than `timeout_s` for a server that has fallen silent."""

    timeout_s: float = 2.0

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        return super().wait(gen, interval, self.timeout_s if timeout is None else timeout)


def connect_as(role: DatabaseRole, database_url: str, *, timeout_s: float = 2.0) -> DeadlineConnection:
    """A connection of its own, in autocommit, acting as `role`; for the recorder and the change feed."""
    connection = DeadlineConnection.connect(
        database_url,
        autocommit=True,
        connect_timeout=2,
        tcp_user_timeout=1000,
        application_name="ai-governance",
    )
    connection.timeout_s = timeout_s
    connection.execute("SELECT set_config('role', %s, false)", [role.value])
    return connection
