"""Checkout sessions: opened by us, paid on the sandbox's own page."""

from typing import Any

from core import current
from local.stripe_sandbox import events, store, subscriptions
from local.stripe_sandbox.blank import fitted
from local.stripe_sandbox.routes import Call, page_of, plays

OPEN_FOR_S = 86_400


@plays("POST", "/v1/checkout/sessions")
def create(call: Call) -> dict[str, Any]:
    lines = call.need("line_items")
    identifier = store.new_id("cs_test")
    prices = [store.need(line["price"], "price") for line in lines]
    amount = sum(price["unit_amount"] or 0 for price in prices)
    given = fitted("checkout.session", {**call.params, "line_items": None})
    session = store.make(
        "checkout.session",
        "cs",
        **{
            **given,
            "id": identifier,
            "amount_subtotal": amount,
            "amount_total": amount,
            "currency": prices[0]["currency"],
            "status": "open",
            "payment_status": "unpaid",
            "livemode": False,
            "expires_at": store.now_s() + OPEN_FOR_S,
            "url": f"{current.settings().base_url}/_sandbox/stripe/checkout/{identifier}",
        },
    )
    wishes = {"price": prices[0]["id"], "metadata": (call.params.get("subscription_data") or {}).get("metadata", {})}
    store.save({"id": f"wishes:{identifier}", **wishes}, kind="wishes")
    return session


@plays("GET", "/v1/checkout/sessions/{}")
def retrieve(call: Call) -> dict[str, Any]:
    return store.need(call.id, "checkout.session")


@plays("GET", "/v1/checkout/sessions")
def list_all(call: Call) -> dict[str, Any]:
    return page_of(call, store.every("checkout.session", customer=call.need("customer")), "/v1/checkout/sessions")


@plays("POST", "/v1/checkout/sessions/{}/expire")
def expire(call: Call) -> dict[str, Any]:
    session = store.need(call.id, "checkout.session")
    if session["status"] != "open":
        raise store.Refused('Only Checkout Sessions with a status in ["open"] can be expired.')
    session |= {"status": "expired", "url": None}
    store.save(session)
    events.emit("checkout.session.expired", session)
    return session


def pay(session_id: str, *, is_slow: bool = False) -> dict[str, Any]:
    """Finishes a session. `is_slow` money, as from a bank, arrives later."""
    session = store.need(session_id, "checkout.session")
    if session["status"] != "open":
        raise store.Refused("This checkout is finished or expired.")
    wishes = store.need(f"wishes:{session_id}", "wishes")
    subscription = subscriptions.start(
        session["customer"],
        wishes["price"],
        wishes["metadata"],
        is_paid=not is_slow,
        is_taxed=session["automatic_tax"]["enabled"],
    )
    session |= {
        "status": "complete",
        "payment_status": "unpaid" if is_slow else "paid",
        "subscription": subscription["id"],
        "invoice": subscription["latest_invoice"],
        "url": None,
    }
    store.save(session)
    events.emit("checkout.session.completed", session)
    return session


def settle(session_id: str, *, has_arrived: bool) -> dict[str, Any]:
    """What becomes of slow money."""
    session = store.need(session_id, "checkout.session")
    if has_arrived:
        subscriptions.pay_open_invoice(session["subscription"])
        store.save({**session, "payment_status": "paid"})
        events.emit("checkout.session.async_payment_succeeded", {**session, "payment_status": "paid"})
    else:
        subscriptions.expire(session["subscription"])
        events.emit("checkout.session.async_payment_failed", session)
    return store.need(session_id)
