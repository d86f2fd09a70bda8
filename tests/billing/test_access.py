"""Access is one pure function: every state of a subscription, beside pilots, gifts, grace and the contract."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.access import GRACE, AccessState, BillingFacts, EffectiveAccess, Grant, Payment, access_of
from billing.plans import PLANS, PlanCode, product_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STATUSES = ("active", "trialing", "past_due", "unpaid", "paused", "canceled", "incomplete", "incomplete_expired")


def subscription(status: str = "active", plan: PlanCode = PlanCode.PRO, **more: Any) -> dict[str, Any]:
    """As Stripe tells it, with what matters here."""
    item = {
        "price": {"product": product_id(plan)},
        "current_period_start": int((NOW - 10 * DAY).timestamp()),
        "current_period_end": int((NOW + 20 * DAY).timestamp()),
    }
    return {"id": "sub_1", "status": status, "items": {"data": [item]}, **more}


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def judged(now: datetime = NOW, **facts: Any) -> EffectiveAccess:
    return access_of(BillingFacts(**{"is_approved": True, **facts}), now=now)


def test_before_the_approval_there_is_the_sandbox_whatever_else_is_true() -> None:
    access = judged(is_approved=False, pilot_ends_at=NOW + DAY, subscription=subscription())

    assert (access.state, access.plan, access.may_use_live_keys) == (AccessState.SANDBOX, None, False)


def test_a_pilot_runs_to_its_second_and_then_there_is_free() -> None:
    ends_at = NOW + DAY

    assert judged(pilot_ends_at=ends_at).state is AccessState.PILOT
    assert judged(pilot_ends_at=ends_at).changes_at == ends_at
    after = judged(now=ends_at, pilot_ends_at=ends_at)
    assert (after.state, after.plan) == (AccessState.ENDED, PlanCode.FREE)
    assert "23 Nov 2026" in after.reason
    assert after.may_use_live_keys


@pytest.mark.parametrize(
    ("status", "state", "plan"),
    [
        ("active", AccessState.ACTIVE, PlanCode.PRO),
        ("trialing", AccessState.TRIAL, PlanCode.PRO),
        ("past_due", AccessState.GRACE, PlanCode.PRO),
        ("unpaid", AccessState.RESTRICTED, PlanCode.FREE),
        ("paused", AccessState.RESTRICTED, PlanCode.FREE),
        ("canceled", AccessState.ENDED, PlanCode.FREE),
        ("incomplete", AccessState.ACTIVE, PlanCode.FREE),
        ("incomplete_expired", AccessState.ACTIVE, PlanCode.FREE),
        ("a_status_of_next_year", AccessState.ENDED, PlanCode.FREE),
    ],
)
def test_every_status_of_a_subscription_gives_what_the_table_says(
    status: str, state: AccessState, plan: PlanCode
) -> None:
    access = judged(subscription=subscription(status), first_failure_at=NOW - DAY)

    assert (access.state, access.plan) == (state, plan)
    assert access.limits == PLANS[plan].limits


@pytest.mark.parametrize("status", ["unpaid", "paused", "canceled", "incomplete", "unheard_of"])
def test_a_running_pilot_outlasts_a_subscription_that_failed(status: str) -> None:
    assert judged(subscription=subscription(status), pilot_ends_at=NOW + DAY).state is AccessState.PILOT


def test_what_is_paid_goes_before_the_pilot_and_what_we_gave_before_both() -> None:
    paid: dict[str, Any] = {"subscription": subscription(), "pilot_ends_at": NOW + DAY}

    assert judged(**paid).state is AccessState.ACTIVE
    given_by_hand = judged(**paid, grant=Grant(PlanCode.ENTERPRISE, NOW + 2 * DAY, "A contract on paper."))
    assert (given_by_hand.plan, given_by_hand.changes_at) == (PlanCode.ENTERPRISE, NOW + 2 * DAY)
    assert judged(**paid, grant=Grant(PlanCode.ENTERPRISE, NOW, "Over.")).plan is PlanCode.PRO


@pytest.mark.parametrize(
    "ending",
    [
        {"cancel_at": seconds(NOW + 5 * DAY), "cancel_at_period_end": False},
        {"cancel_at": None, "cancel_at_period_end": True},
    ],
)
def test_both_forms_of_a_cancellation_keep_the_access_until_their_second(ending: dict[str, Any]) -> None:
    ends_at = NOW + (5 if ending["cancel_at"] else 20) * DAY

    access = judged(subscription=subscription(**ending))
    assert (access.state, access.plan, access.changes_at) == (AccessState.ACTIVE_ENDING, PlanCode.PRO, ends_at)
    assert judged(now=ends_at - timedelta(seconds=1), subscription=subscription(**ending)).plan is PlanCode.PRO
    assert judged(now=ends_at, subscription=subscription(**ending)).plan is PlanCode.FREE


def test_grace_is_counted_from_the_first_failure_and_ends_in_restriction() -> None:
    failed_at = NOW - 3 * DAY
    facts: dict[str, Any] = {"subscription": subscription("past_due"), "first_failure_at": failed_at}

    assert judged(**facts).changes_at == failed_at + GRACE
    after = judged(now=failed_at + GRACE, **facts)
    assert (after.state, after.may_use_live_keys) == (AccessState.RESTRICTED, False)


@pytest.mark.parametrize("why", ["payment_failed", "payment_disputed"])
def test_what_was_ended_for_want_of_payment_restricts(why: str) -> None:
    ended = subscription("canceled", cancellation_details={"reason": why})

    assert judged(subscription=ended).state is AccessState.RESTRICTED


def test_money_that_went_back_ends_or_restricts_the_access() -> None:
    assert judged(subscription=subscription(), payment=Payment(is_refunded=True)).state is AccessState.ENDED
    assert judged(subscription=subscription(), payment=Payment(is_charged_back=True)).state is AccessState.RESTRICTED


def test_a_first_payment_that_has_not_arrived_grants_nothing() -> None:
    assert judged(subscription=subscription(), is_first_payment_open=True).plan is PlanCode.FREE


def test_a_price_that_is_none_of_ours_grants_nothing() -> None:
    foreign = subscription()
    foreign["items"]["data"][0]["price"]["product"] = "prod_of_another"

    assert judged(subscription=foreign).plan is PlanCode.FREE


def test_a_lapsed_contract_restricts_whatever_is_paid() -> None:
    access = judged(subscription=subscription(), legal_due_at=NOW)

    assert access.state is AccessState.RESTRICTED
    assert "Terms" in access.reason
    assert judged(subscription=subscription(), legal_due_at=NOW + DAY).changes_at == NOW + DAY


@pytest.mark.parametrize("paused_because", [None, "final_payment_failure", "a_reason_of_next_year"])
def test_a_pause_is_explained(paused_because: str | None) -> None:
    details = {"paused": {"subscription": {"type": paused_because}}} if paused_because else None

    assert "paused" in judged(subscription=subscription("paused", status_details=details)).reason


moments = st.integers(-60, 60).map(lambda days: NOW + days * DAY)
facts_of_all_kinds = st.builds(
    BillingFacts,
    is_approved=st.booleans(),
    legal_due_at=st.none() | moments,
    pilot_ends_at=st.none() | moments,
    grant=st.none() | st.builds(Grant, st.sampled_from(PlanCode), st.none() | moments, st.just("Agreed.")),
    subscription=st.none()
    | st.builds(
        subscription,
        st.sampled_from([*STATUSES, "new_status"]),
        st.sampled_from(PlanCode),
        cancel_at=st.none() | moments.map(seconds),
        cancel_at_period_end=st.booleans(),
    ),
    first_failure_at=st.none() | moments,
    is_first_payment_open=st.booleans(),
    payment=st.builds(Payment, st.booleans(), st.booleans()),
)


@given(facts_of_all_kinds)
def test_whatever_the_facts_there_is_an_answer_with_a_reason_and_a_time(facts: BillingFacts) -> None:
    access = access_of(facts, now=NOW)

    assert access.reason.endswith((".", "Agreed."))
    assert access.changes_at is None or access.changes_at > NOW
    assert (access.plan is None) == (not facts.is_approved)
    if access.changes_at is not None:
        just_before = access_of(facts, now=access.changes_at - timedelta(seconds=1))
        assert (just_before.state, just_before.plan) == (access.state, access.plan)


@given(facts_of_all_kinds)
def test_no_paid_limits_without_a_payment_a_gift_or_a_pilot(facts: BillingFacts) -> None:
    access = access_of(facts, now=NOW)

    is_paid = facts.subscription is not None and facts.subscription["status"] in {"active", "trialing", "past_due"}
    if not is_paid and facts.grant is None and (facts.pilot_ends_at is None or facts.pilot_ends_at <= NOW):
        assert access.plan in {None, PlanCode.FREE}
