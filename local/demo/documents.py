"""What a newcomer starts with: version 1.0 of each document, plainly marked as not reviewed. Never in production."""

from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.settings import Environment, Settings
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import NOBODY, Review
from legal_docs.documents.kinds import Kind
from legal_docs.documents.provider import trial_provider
from legal_docs.publishing import publish


def seed(settings: Settings) -> None:
    """Publishes what has no version yet."""
    if settings.environment is not Environment.PRODUCTION:
        publish_trial_versions(settings)


def publish_trial_versions(settings: Settings) -> None:
    now = utc_now()
    review = Review(reviewer=NOBODY, on=now.date(), note="Not reviewed: local trial.")
    with acting_as_system(), transaction():
        for kind in Kind:
            if documents.newest(kind) is None:
                publish(
                    kind,
                    number="1.0",
                    is_major=True,
                    summary="First version.",
                    effective_at=now,
                    review=review,
                    provider=trial_provider(settings),
                    settings=settings,
                    by=COMMAND_LINE,
                    now=now,
                )
