"""What a newcomer meets under `flask serve`: documents, prices, a key that works, and people to sign in as."""

from collections.abc import Iterator

from core.settings import Settings
from local.demo import api_key, documents, people, plans


def seed(settings: Settings) -> Iterator[tuple[str, str]]:
    """Makes what is missing, and yields what to tell the newcomer, as labelled lines."""
    documents.seed(settings)
    yield from plans.seed(settings)
    yield from api_key.seed(settings)
    yield from people.seed(settings)
