"""What `flask serve` sets up so that plans can be chosen: the prices, in the sandbox."""

from collections.abc import Iterator

from billing import catalogue
from billing.connection import gateway, is_sandbox
from core.db import transaction
from core.settings import Settings


def seed(settings: Settings) -> Iterator[tuple[str, str]]:
    if is_sandbox(settings):
        with transaction():
            catalogue.sync(catalogue.parts(gateway().client, webhook_url=None))
        yield "Plans", f"{settings.local_url}/plan (a sandbox stands in for Stripe; no money moves)"
