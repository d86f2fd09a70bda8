"""What a customer needs at the start: the mail on approval, times for a first call, a word when no check comes."""

from datetime import datetime, timedelta
from typing import Any

from billing.plans import PLANS, PlanCode
from core import current
from portal.customer.applications.states import SATURDAY
from portal.support.contacts import CHAT_HOURS
from portal.support.severities import SLA_TARGETS, Severity

SLOTS_OFFERED = 3
_SLOT_HOUR = 10
FIRST_CHECK_WITHIN = timedelta(hours=24)
FOLLOWED_UP_UNTIL = timedelta(days=7)
"""Whoever was approved longer ago gets no mail about it any more."""


def call_slots(now: datetime) -> list[datetime]:
    """The next business days, one time each, to begin with; the operator who approves may offer others."""
    slots: list[datetime] = []
    day = now.replace(hour=_SLOT_HOUR, minute=0, second=0, microsecond=0)
    while len(slots) < SLOTS_OFFERED:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY:
            slots.append(day)
    return slots


def words_of_welcome() -> dict[str, Any]:
    """What the mail says of us; every figure from where it is kept."""
    settings = current.settings()
    return {
        "first_answer_h": int(SLA_TARGETS[Severity.CRITICAL].response.total_seconds() // 3600),
        "on_call_phone": settings.on_call_phone,
        "chat_hours": CHAT_HOURS,
        "security_email": settings.security_email,
        **{code.value: PLANS[code] for code in (PlanCode.FREE, PlanCode.PRO, PlanCode.ENTERPRISE)},
    }
