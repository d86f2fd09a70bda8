"""The dates on which secrets were changed."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class SecretRotation(Base):
    """One value that a secret had, known by its fingerprint."""

    __tablename__ = "secret_rotation"

    name: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    rotated_at: Mapped[datetime]
    recorded_by: Mapped[str]
    """Who said so; `the service` where it noticed by itself."""
