"""What the security page states, read from what holds: constants, records and checks. Nothing is typed twice."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from backups import services as backups
from backups.services import BackupStatus
from core.release import release
from core.scope import needs_system_scope
from core.settings import Settings
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import TITLES, Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.register import services as register
from legal_docs.register.models import SubProcessor
from portal.status.board import Board, IncidentView, board, history

_BILL = Path(__file__).parents[2] / "docs" / "sbom.cdx.json"
MOST_INCIDENTS = 5


class TrustFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What holds at the moment at which the page is read."""

    board: Board
    incidents: list[IncidentView]
    sub_processors: list[SubProcessor]
    documents: list[tuple[str, str, LegalVersion | None]]
    """Path, title, and the version in effect or the newest; None until one is published."""
    backups: BackupStatus
    components: int
    """Of which the software is made."""
    release: str
    security_email: str | None

    @property
    def uptime(self) -> float | None:
        """Of the check API in the last 90 days, in per cent; unknown minutes count as no uptime."""
        return self.board.components[0].uptime

    @property
    def days_measured(self) -> int:
        return self.board.components[0].days_measured


@needs_system_scope
def facts(settings: Settings, *, now: datetime) -> TrustFacts:
    return TrustFacts(
        board=board(now=now),
        incidents=history()[:MOST_INCIDENTS],
        sub_processors=register.register(),
        documents=[(kind.value.replace("_", "-"), TITLES[kind], _version(kind, now=now)) for kind in Kind],
        backups=backups.status(now),
        components=_components(),
        release=release(),
        security_email=settings.security_email,
    )


def _version(kind: Kind, *, now: datetime) -> LegalVersion | None:
    return documents.current(kind, now=now) or documents.newest(kind)


@cache
def _components() -> int:
    bill: dict[str, Any] = msgspec.json.decode(_BILL.read_bytes())
    return len(bill["components"])
