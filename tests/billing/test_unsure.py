"""A write whose answer is lost is neither called done nor undone: it is found out, and that is on record."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from billing import afterwards, details
from billing import subscriptions as ours
from billing.access import AccessState
from billing.connection import gateway
from billing.errors import ChangeUnsure, PaymentsAway
from billing.plans import PlanCode
from core.audit import SYSTEM, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db
from tests.billing.scene import access, offer_metered
from tests.cast import Member

Act = Callable[[Member], Any]

DETAILS = details.BillingDetails()


def end(member: Member) -> None:
    ours.end(member.organization_id, gateway(), by=SYSTEM, now=utc_now())


def switch(member: Member) -> None:
    ours.switch(member.organization_id, PlanCode.METERED, gateway(), by=SYSTEM, now=utc_now())


def save(member: Member) -> None:
    details.save(member.organization_id, DETAILS, gateway(), email="a@ada.example", by=SYSTEM, now=utc_now())


WRITES = {
    "end": (end, "end_at_period"),
    "switch": (switch, "change_later"),
    "billing details": (save, "update_customer"),
}


def unsure_events(app: Flask, member: Member) -> list[Any]:
    with app.app_context(), acting_as_system():
        of_member = AuditEvent.organization_id == member.organization_id
        return list(
            db.session.scalars(select(AuditEvent.after).where(of_member, AuditEvent.action == "plan.change_unsure"))
        )


@pytest.mark.parametrize("change", WRITES)
@pytest.mark.parametrize("is_unsent", [False, True])
def test_a_write_whose_answer_is_lost_is_found_out(
    app: Flask, subscribed: Member, monkeypatch: pytest.MonkeyPatch, change: str, is_unsent: bool
) -> None:
    act, method = WRITES[change]
    asked_later: list[str] = []

    def lost(*_: object, **__: object) -> None:
        away = PaymentsAway()
        away.is_unsent = is_unsent
        raise away

    offer_metered(app, subscribed)
    monkeypatch.setattr(afterwards, "defer", lambda _job, organization_id: asked_later.append(organization_id))
    with app.app_context(), acting_as_system():
        monkeypatch.setattr(type(gateway()), method, lost)
        with pytest.raises(PaymentsAway) as told:
            act(subscribed)

    assert isinstance(told.value, ChangeUnsure) is not is_unsent
    assert ("nothing was charged" in told.value.detail) is is_unsent
    assert asked_later == ([] if is_unsent else [str(subscribed.organization_id)])
    assert unsure_events(app, subscribed) == ([] if is_unsent else [{"change": change}])
    assert access(app, subscribed).state is AccessState.ACTIVE
