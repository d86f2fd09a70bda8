"""Which models were asked about in some time, and what callers said of them."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text

from core.db import db

MOST_MODELS = 200

_MODELS = text("""
    SELECT model, count(*) AS decisions,
           count(*) FILTER (WHERE metadata ->> 'is_external_model' = 'true') AS external,
           count(*) FILTER (WHERE metadata ->> 'is_external_model' = 'false') AS internal,
           count(*) FILTER (WHERE derivation ? 'contradictions') AS contradicted
    FROM decision WHERE organization_id = :organization_id AND decided_at >= :since
    GROUP BY model ORDER BY decisions DESC, model LIMIT :most
""")


class ModelInUse(msgspec.Struct, frozen=True):
    model: str
    decisions: int
    external: int
    """Decisions whose caller stated that it is external."""
    internal: int
    contradicted: int
    """Decisions whose caller contradicted what was known of it then."""

    @property
    def silent(self) -> int:
        """Decisions whose caller did not say."""
        return self.decisions - self.external - self.internal


def models_in(organization_id: UUID, *, since: datetime) -> list[ModelInUse]:
    """The commonest first, at most 200."""
    span = {"organization_id": organization_id, "since": since, "most": MOST_MODELS}
    return [ModelInUse(*row) for row in db.session.execute(_MODELS, span)]
