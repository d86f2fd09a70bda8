"""What a newcomer starts with under `flask serve`: the organization `demo` and a key that works.

The demo key is the one secret that is kept, in a file of the data directory that its owner alone may read, so that a
second run can show it again. It opens a demo organization on the newcomer's own machine.
"""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from api.keys import services as keys
from api.keys.models import ApiKey
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from core import accounts
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Settings
from core.tokens import digest_of

SLUG = "demo"
_QUESTION = '{"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": true}}'


def seed(settings: Settings) -> Iterator[tuple[str, str]]:
    """Makes what is missing, and yields what to tell the newcomer, as labelled lines."""
    secret = _demo_secret(settings.data_path / "demo-api-key")
    yield "API key", secret
    yield (
        "Try",
        (
            f"curl -s {settings.local_url}/v1/check -H 'Authorization: Bearer {secret}' "
            f"-H 'Content-Type: application/json' -d '{_QUESTION}'"
        ),
    )


def _demo_secret(file: Path) -> str:
    now = utc_now()
    with acting_as_system(), transaction():
        try:
            organization = accounts.find_by_slug(SLUG)
        except accounts.UnknownOrganization:
            organization = accounts.create(slug=SLUG, name="Demo organization", by=COMMAND_LINE, now=now)
        policies.seed(now=now)
        kept = file.read_text().strip() if file.exists() else ""
        key = db.session.scalar(select(ApiKey).where(ApiKey.token_hash == digest_of(kept)))
        if key is not None and key.is_live_at(now) and key.organization_id == organization.id:
            return kept
        issued = keys.issue(
            organization.id,
            name=f"Demo, {now:%d %b %Y, %H:%M:%S}",
            environment=KeyEnvironment.LIVE,
            scopes=tuple(Scope),
            by=COMMAND_LINE,
            now=now,
        )
    file.touch(mode=0o600)
    file.write_text(issued.secret + "\n")
    return issued.secret
