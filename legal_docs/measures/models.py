"""What was last seen of each measure."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class SecurityMeasure(Base):
    __tablename__ = "security_measure"

    code: Mapped[str] = mapped_column(primary_key=True)
    is_met: Mapped[bool]
    seen: Mapped[str]
    checked_at: Mapped[datetime]
