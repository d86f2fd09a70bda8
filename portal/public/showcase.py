"""The organization of our own that answers visitors of the front page, and the test key that asks for them.

The key's secret is derived from the app's, so every process knows it and none stores it. Needs the system's scope.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy import select, text

from api.keys import services as keys
from api.keys.models import ApiKey
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment, Token, derived_token
from api.policies import services as policies
from core import accounts
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import db
from core.errors import AppError
from core.scope import needs_system_scope
from legal_docs.figures import SHORTEST_RETENTION_DAYS

SLUG = "public-demo"
"""Nobody else can have it: whoever signs up gets a slug with a random end."""
_PURPOSE = b"key of the public demo"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('public-demo'))")
POLICIES: dict[str, Any] = {
    "count_points_when_off": True,
    "points_external_model": 30,
    "rules": [
        {
            "code": "hr_needs_human_review",
            "when": {"all": ['department == "hr"'], "none": ["is_human_reviewed"]},
            "message": "HR results need human review before they are used.",
            "fix": "Let a person review the result and send is_human_reviewed: true.",
            "effect": "block",
            "points": 40,
            "on_missing": "block",
        }
    ],
}


class DemoOff(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "demo_off", "The demo is turned off"
    advice = "Sign up for free to send checks with a test key of your own."


@needs_system_scope
def secret_for_visitors(*, secret_key: str, now: datetime) -> str:
    """The secret of a working test key; the organization and the key are created when they are missing.

    Raises DemoOff once an operator has revoked the key.
    """
    token = derived_token(KeyEnvironment.TEST, _PURPOSE, secret_key=secret_key)
    if not _is_issued(token, now=now):
        db.session.execute(_ONE_AT_A_TIME)
        if not _is_issued(token, now=now):
            _issue(token, now=now)
    return token.secret


def _is_issued(token: Token, *, now: datetime) -> bool:
    key = db.session.scalar(select(ApiKey).where(ApiKey.token_hash == token.digest))
    if key is not None and not key.is_live_at(now):
        raise DemoOff
    return key is not None


def _issue(token: Token, *, now: datetime) -> None:
    organization = _organization(now)
    keys.revoke_all(organization.id, reason="replaced by a new key", by=SYSTEM, now=now)
    keys.issue(
        organization.id,
        name=f"Front page, {token.last_four}",
        environment=KeyEnvironment.TEST,
        scopes=(Scope.CHECKS_WRITE,),
        token=token,
        by=SYSTEM,
        now=now,
    )


def _organization(now: datetime) -> Organization:
    try:
        return accounts.find_by_slug(SLUG)
    except accounts.UnknownOrganization:
        organization = accounts.create(
            slug=SLUG, name="Public demo (our own)", by=SYSTEM, now=now, status=OrganizationStatus.SANDBOX
        )
        organization.retention_days = SHORTEST_RETENTION_DAYS
        policies.seed(now=now)
        policies.change_many(organization.id, POLICIES, expected_version=1, by=SYSTEM, now=now)
        return organization
