"""The sandbox's objects, as JSON in one table. They are kept, or undone, with the transaction that asked for them."""

import secrets
from typing import Any

from sqlalchemy import Identity, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import utc_now
from core.db import Base, acting_as_system, db
from local.stripe_sandbox.blank import blank


class SandboxObject(Base):
    __tablename__ = "sandbox_object"

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True))
    """In the order in which they were made."""
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]


_BODIES = select(SandboxObject.body)


class Refused(Exception):
    """What Stripe would answer to a request that it does not carry out."""

    def __init__(self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": "invalid_request_error", "message": message, "code": code, "param": param}


def now_s() -> int:
    return int(utc_now().timestamp())


def new_id(prefix: str) -> str:
    return f"{prefix}_sandbox{secrets.token_hex(8)}"


def wait_for_turn(name: str) -> None:
    """Until whoever asks for the same has committed."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def make(kind: str, prefix: str, **values: Any) -> dict[str, Any]:
    """A new object, kept."""
    return save(blank(kind, **{"id": new_id(prefix), "created": now_s(), **values}))


def save(body: dict[str, Any], *, kind: str | None = None) -> dict[str, Any]:
    """Writes an object as it is now."""
    values = {"id": body["id"], "kind": kind or body["object"], "body": body}
    written = insert(SandboxObject).values(values)
    with acting_as_system():
        db.session.execute(written.on_conflict_do_update(index_elements=["id"], set_={"body": written.excluded.body}))
    return body


def find(identifier: str, kind: str | None = None) -> dict[str, Any] | None:
    query = _BODIES.where(SandboxObject.id == identifier)
    with acting_as_system():
        return db.session.scalar(query if kind is None else query.where(SandboxObject.kind == kind))


def need(identifier: str, kind: str | None = None) -> dict[str, Any]:
    """Raises Refused."""
    found = find(identifier, kind)
    if found is None:
        raise Refused(f"No such {kind or 'object'}: '{identifier}'", status=404, code="resource_missing", param="id")
    return found


def every(kind: str, **fields: str) -> list[dict[str, Any]]:
    """Objects of a kind whose fields have these values, newest first."""
    query = _BODIES.where(SandboxObject.kind == kind).order_by(SandboxObject.number.desc())
    with acting_as_system():
        return list(db.session.scalars(query.where(SandboxObject.body.contains(fields)) if fields else query))
