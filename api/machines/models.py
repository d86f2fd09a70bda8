"""Machines that serve, by an id that their disk keeps."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class WebMachine(Base):
    """As it last reported; one that is gone says what it had when it was last heard."""

    __tablename__ = "web_machine"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    spool_rows: Mapped[int] = mapped_column(BigInteger)
    spool_bytes: Mapped[int] = mapped_column(BigInteger)
    oldest_at: Mapped[datetime | None]
    quarantined_rows: Mapped[int] = mapped_column(BigInteger)
    reported_at: Mapped[datetime]
