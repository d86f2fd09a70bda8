"""Subscriptions, the schedules that change them later, and what time does to them."""

from datetime import UTC, datetime
from typing import Any

from core.calendar import months_later
from local.stripe_sandbox import events, invoices, store
from local.stripe_sandbox.blank import blank, fitted, list_of
from local.stripe_sandbox.routes import Call, page_of, plays

_OVER = ("canceled", "incomplete_expired")


def start(
    customer: str, price_id: str, metadata: dict[str, str], *, is_paid: bool, is_taxed: bool = False
) -> dict[str, Any]:
    price = store.need(price_id, "price")
    identifier, now_s = store.new_id("sub"), store.now_s()
    item = blank("subscription_item", id=store.new_id("si"), created=now_s, subscription=identifier, price=price)
    item |= {"current_period_start": now_s, "current_period_end": _month_after(now_s), "quantity": 1}
    subscription = store.make(
        "subscription",
        "sub",
        id=identifier,
        customer=customer,
        currency=price["currency"],
        status="active" if is_paid else "incomplete",
        billing_cycle_anchor=now_s,
        start_date=now_s,
        metadata=metadata,
        automatic_tax={"disabled_reason": None, "enabled": is_taxed, "liability": None},
        items=list_of([item], "/v1/subscription_items"),
        billing_mode={"flexible": None, "type": "flexible", "updated_at": None},
    )
    invoice = invoices.make(subscription, invoices.price_of(price), "subscription_create", is_paid=is_paid)
    subscription["latest_invoice"] = invoice["id"]
    events.emit("customer.subscription.created", store.save(subscription))
    return subscription


@plays("GET", "/v1/subscriptions")
def list_all(call: Call) -> dict[str, Any]:
    wanted = {"customer": call.params["customer"]} if "customer" in call.params else {}
    found = store.every("subscription", **wanted)
    listed = [one for one in found if call.params.get("status") == "all" or one["status"] not in _OVER]
    for one in listed if "data.schedule" in call.params.get("expand", []) else []:
        one["schedule"] = one["schedule"] and store.need(one["schedule"])
    return page_of(call, list(map(_with_prices, listed)), "/v1/subscriptions")


@plays("GET", "/v1/subscriptions/{}")
def retrieve(call: Call) -> dict[str, Any]:
    found = store.need(call.id, "subscription")
    if "schedule" in call.params.get("expand", []):
        found["schedule"] = found["schedule"] and store.need(found["schedule"])
    return _with_prices(found)


@plays("POST", "/v1/subscriptions/{}")
def update(call: Call) -> dict[str, Any]:
    subscription = _going_on(call.id)
    if "cancel_at_period_end" in call.params:
        is_ending = call.params["cancel_at_period_end"] == "true"
        end_later(subscription, is_ending=is_ending)
        subscription["cancel_at_period_end"] = is_ending
    if call.params.get("cancel_at") == "":
        end_later(subscription, is_ending=False)
    if "automatic_tax" in call.params:
        subscription["automatic_tax"] |= {"enabled": call.params["automatic_tax"]["enabled"] == "true"}
    for wish in call.params.get("items", []):
        _change_price(subscription, store.need(wish["price"], "price"))
    events.emit("customer.subscription.updated", store.save(subscription))
    return subscription


@plays("DELETE", "/v1/subscriptions/{}")
def cancel(call: Call) -> dict[str, Any]:
    return end_now(call.id, because="cancellation_requested")


@plays("POST", "/v1/subscription_schedules")
def create_schedule(call: Call) -> dict[str, Any]:
    subscription = _going_on(call.need("from_subscription"))
    item = subscription["items"]["data"][0]
    phase = {"start_date": item["current_period_start"], "end_date": item["current_period_end"]}
    phase["items"] = [{"price": item["price"]["id"], "quantity": 1}]
    schedule = store.make(
        "subscription_schedule",
        "sub_sched",
        customer=subscription["customer"],
        subscription=subscription["id"],
        status="active",
        end_behavior="release",
        **fitted("subscription_schedule", {"phases": [phase]}),
    )
    store.save({**subscription, "schedule": schedule["id"]})
    return schedule


@plays("POST", "/v1/subscription_schedules/{}")
def update_schedule(call: Call) -> dict[str, Any]:
    schedule = store.need(call.id, "subscription_schedule")
    schedule |= {
        **fitted("subscription_schedule", {"phases": call.need("phases")}),
        "end_behavior": call.params.get("end_behavior", "release"),
        "metadata": call.params.get("metadata", {}),
    }
    events.emit("customer.subscription.updated", store.need(schedule["subscription"]))
    return store.save(schedule)


@plays("GET", "/v1/subscription_schedules/{}")
def retrieve_schedule(call: Call) -> dict[str, Any]:
    return store.need(call.id, "subscription_schedule")


@plays("POST", "/v1/subscription_schedules/{}/release")
def release_schedule(call: Call) -> dict[str, Any]:
    schedule = store.need(call.id, "subscription_schedule")
    if schedule["status"] not in {"not_started", "active"}:
        raise store.Refused(f"You cannot release a subscription schedule that is {schedule['status']}.")
    subscription = store.save({**store.need(schedule["subscription"]), "schedule": None})
    events.emit("customer.subscription.updated", subscription)
    return store.save({**schedule, "status": "released", "released_subscription": subscription["id"]})


def end_later(subscription: dict[str, Any], *, is_ending: bool) -> None:
    """As the customer portal does in flexible billing mode: `cancel_at` is set, `cancel_at_period_end` is not."""
    subscription |= {
        "cancel_at": subscription["items"]["data"][0]["current_period_end"] if is_ending else None,
        "canceled_at": store.now_s() if is_ending else None,
        "cancel_at_period_end": False,
    }


def cancel_in_portal(subscription_id: str, *, is_ending: bool) -> None:
    """What the customer does on Stripe's own page."""
    subscription = _going_on(subscription_id)
    end_later(subscription, is_ending=is_ending)
    events.emit("customer.subscription.updated", store.save(subscription))


def end_now(subscription_id: str, *, because: str) -> dict[str, Any]:
    subscription = _going_on(subscription_id)
    if subscription["schedule"]:
        store.save({**store.need(subscription["schedule"]), "status": "canceled"})
    subscription |= {
        "status": "canceled",
        "canceled_at": store.now_s(),
        "ended_at": store.now_s(),
        "cancellation_details": {"comment": None, "feedback": None, "reason": because},
    }
    events.emit("customer.subscription.deleted", store.save(subscription))
    return subscription


def expire(subscription_id: str) -> None:
    subscription = {**store.need(subscription_id), "status": "incomplete_expired", "ended_at": store.now_s()}
    events.emit("customer.subscription.updated", store.save(subscription))


def next_period(subscription_id: str, *, is_paid: bool) -> dict[str, Any]:
    """A month passes: the subscription ends, changes or renews, and its invoice is paid or not."""
    subscription = _going_on(subscription_id)
    if subscription["cancel_at"]:
        return end_now(subscription_id, because="cancellation_requested")
    item = subscription["items"]["data"][0]
    if subscription["schedule"]:
        phases = store.need(subscription["schedule"])["phases"]
        _change_price(subscription, store.need(phases[-1]["items"][0]["price"]))
        store.save({**store.need(subscription["schedule"]), "status": "completed"})
        subscription["schedule"] = None
        item = subscription["items"]["data"][0]
    item["current_period_start"] = item["current_period_end"]
    item["current_period_end"] = _month_after(item["current_period_start"])
    subscription["status"] = "active" if is_paid else "past_due"
    invoice = invoices.make(subscription, invoices.price_of(item["price"]), "subscription_cycle", is_paid=is_paid)
    subscription["latest_invoice"] = invoice["id"]
    events.emit("customer.subscription.updated", store.save(subscription))
    return subscription


def pay_open_invoice(subscription_id: str) -> dict[str, Any]:
    """Everything that is open is paid, and the subscription is active again."""
    subscription = store.need(subscription_id, "subscription")
    for invoice in store.every("invoice", customer=subscription["customer"], status="open"):
        invoices.settle(invoice)
    subscription = {**subscription, "status": "active"}
    events.emit("customer.subscription.updated", store.save(subscription))
    return subscription


def _with_prices(subscription: dict[str, Any]) -> dict[str, Any]:
    """With the prices as they are now: one that was replaced has lost its lookup key."""
    for item in subscription["items"]["data"]:
        item["price"] = store.need(item["price"]["id"], "price")
    return subscription


def _change_price(subscription: dict[str, Any], price: dict[str, Any]) -> None:
    subscription["items"]["data"][0]["price"] = price


def _going_on(subscription_id: str) -> dict[str, Any]:
    subscription = store.need(subscription_id, "subscription")
    if subscription["status"] in _OVER:
        raise store.Refused("A canceled subscription can only update its cancellation_details and metadata.")
    return subscription


def _month_after(seconds: int) -> int:
    return int(months_later(datetime.fromtimestamp(seconds, UTC), 1).timestamp())
