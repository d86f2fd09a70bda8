"""Keys to ask with: of organizations that are made for the test, or from a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from api.keys import services as keys
from api.keys.token import KeyEnvironment, is_well_formed
from api.policies import services as policies
from billing import entitlements
from core import accounts
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.environment import read_settings
from wsgi import create_app

LONGEST_LIFE = timedelta(hours=3)


class KeysRefused(Exception):
    """The message says what to do."""


def read(path: Path) -> tuple[str, ...]:
    """One key a line. Raises KeysRefused."""
    lines = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
    wrong = [number for number, line in enumerate(lines, 1) if not is_well_formed(line)]
    if wrong or not lines:
        where = f" Look at line {wrong[0]}." if wrong else ""
        raise KeysRefused(f"{path} must hold one whole API key a line.{where}")
    return lines


@contextmanager
def of_new_organizations(count: int) -> Iterator[Sequence[str]]:
    """Test keys with the limits that everybody has, in the database of the settings; revoked at the end.

    They belong to as many organizations as it takes, for a plan has an end to its keys.
    """
    app = create_app(read_settings())
    made: list[UUID] = []
    secrets: list[str] = []
    try:
        while len(secrets) < count:
            with app.app_context(), acting_as_system(), transaction():
                organization_id, issued = _organization_with_keys(count - len(secrets))
            made.append(organization_id)
            secrets += issued
        yield secrets
    finally:
        for organization_id in made:
            with app.app_context(), acting_as_system(), transaction():
                keys.revoke_all(organization_id, reason="load test over", by=COMMAND_LINE, now=utc_now())
        with app.app_context():
            db.engine.dispose()


def _organization_with_keys(wanted: int) -> tuple[UUID, list[str]]:
    now = utc_now()
    slug = f"load-test-{uuid4().hex[:12]}"
    organization = accounts.create(slug=slug, name="Load test", by=COMMAND_LINE, now=now)
    policies.seed(now=now)
    most = entitlements.access_for(organization.id, now=now).limits.keys
    return organization.id, [
        keys.issue(
            organization.id,
            name=f"Load test {number}",
            environment=KeyEnvironment.TEST,
            expires_at=now + LONGEST_LIFE,
            by=COMMAND_LINE,
            now=now,
        ).secret
        for number in range(wanted if most is None else min(wanted, most))
    ]
