"""Policies that were stored by older versions: they go on working, or say what to do."""

from typing import Any

import pytest
from flask import Flask

from api.policies.document import KNOWN_OPERATIONS
from api.policies.models import PolicyVersion
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.cast import Caller, Member

BEFORE = [name for name in KNOWN_OPERATIONS if name not in {"chat_completion", "embedding"}]


def keep_version(app: Flask, member: Member, document: dict[str, Any], version: int = 2) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            PolicyVersion(
                organization_id=member.organization_id,
                version=version,
                document=document,
                created_at=utc_now(),
                created_by_kind="system",
            )
        )


@pytest.mark.parametrize("operation", ["chat_completion", "chat-completion", "embedding"])
@pytest.mark.parametrize("listed", [BEFORE, [*BEFORE, "tagging"], ["chat", "embeddings"]])
def test_founding_operations_are_known_to_lists_kept_from_before_them(
    app: Flask, as_ada: Caller, ada: Member, listed: list[str], operation: str
) -> None:
    keep_version(app, ada, {"known_operations": listed})

    answer = as_ada.check(operation=operation).json

    assert (answer["policy_version"], answer["risk_score"], answer["reasons"]) == (2, 0, [])


def test_a_list_without_chat_does_not_know_its_founding_spelling(app: Flask, as_ada: Caller, ada: Member) -> None:
    keep_version(app, ada, {"known_operations": ["translation"]})

    assert as_ada.check(operation="chat_completion").json["risk_score"] == 20
