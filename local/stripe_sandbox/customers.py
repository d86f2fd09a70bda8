"""Customers, and the customer portal's sessions."""

from typing import Any

from core import current
from local.stripe_sandbox import events, store
from local.stripe_sandbox.blank import blank, fitted
from local.stripe_sandbox.routes import Call, page_of, plays


@plays("POST", "/v1/customers")
def create(call: Call) -> dict[str, Any]:
    return store.make("customer", "cus", **fitted("customer", call.params))


@plays("GET", "/v1/customers/{}")
def retrieve(call: Call) -> dict[str, Any]:
    return store.need(call.id, "customer")


@plays("POST", "/v1/customers/{}")
def update(call: Call) -> dict[str, Any]:
    customer = {**_existing(call.id), **fitted("customer", call.params)}
    store.save(customer)
    events.emit("customer.updated", customer)
    return customer


@plays("GET", "/v1/customers/{}/tax_ids")
def list_tax_ids(call: Call) -> dict[str, Any]:
    return page_of(call, store.every("tax_id", customer=call.id), f"/v1/customers/{call.id}/tax_ids")


@plays("POST", "/v1/customers/{}/tax_ids")
def create_tax_id(call: Call) -> dict[str, Any]:
    verification = {"status": "pending", "verified_address": None, "verified_name": None}
    given = {**fitted("tax_id", call.params), "verification": verification}
    return store.make("tax_id", "txi", customer=_existing(call.id)["id"], **given)


@plays("DELETE", "/v1/customers/{}/tax_ids/{}")
def delete_tax_id(call: Call) -> dict[str, Any]:
    store.save({**store.need(call.ids[1], "tax_id"), "customer": None})
    return {"id": call.ids[1], "object": "tax_id", "deleted": True}


@plays("GET", "/v1/tax/settings")
def tax_settings(_call: Call) -> dict[str, Any]:
    kept = store.find("tax.settings") or {"status": "active"}
    return blank("tax.settings", **{name: kept[name] for name in ("status", "status_details") if name in kept})


@plays("GET", "/v1/tax/registrations")
def tax_registrations(call: Call) -> dict[str, Any]:
    return page_of(call, store.every("tax.registration"), "/v1/tax/registrations")


@plays("POST", "/v1/billing_portal/sessions")
def open_portal(call: Call) -> dict[str, Any]:
    customer = _existing(call.need("customer"))
    identifier = store.new_id("bps")
    return store.make(
        "billing_portal.session",
        "bps",
        id=identifier,
        customer=customer["id"],
        return_url=call.params.get("return_url"),
        url=f"{current.settings().base_url}/_sandbox/stripe/portal/{identifier}",
    )


def delete(customer_id: str) -> None:
    """As somebody at Stripe's own pages would."""
    customer = _existing(customer_id)
    for subscription in store.every("subscription", customer=customer_id):
        if subscription["status"] != "canceled":
            subscription |= {"status": "canceled", "ended_at": store.now_s(), "canceled_at": store.now_s()}
            events.emit("customer.subscription.deleted", store.save(subscription))
    store.save({"id": customer_id, "object": "customer", "deleted": True})
    events.emit("customer.deleted", customer)


def _existing(customer_id: str) -> dict[str, Any]:
    customer = store.need(customer_id, "customer")
    if customer.get("deleted"):
        raise store.Refused(f"No such customer: '{customer_id}'", code="resource_missing", param="customer")
    return customer
