"""Products, prices, meters, the portal's configuration and webhook endpoints: what `flask billing sync` sets up."""

from typing import Any

from local.stripe_sandbox import store
from local.stripe_sandbox.blank import fitted
from local.stripe_sandbox.routes import Call, page_of, plays

_KINDS = {
    "/v1/products": ("product", "prod"),
    "/v1/billing/meters": ("billing.meter", "mtr"),
    "/v1/billing_portal/configurations": ("billing_portal.configuration", "bpc"),
    "/v1/webhook_endpoints": ("webhook_endpoint", "we"),
}


_GIVEN: dict[str, dict[str, Any]] = {
    "product": {"active": True},
    "billing.meter": {"status": "active"},
    "billing_portal.configuration": {"active": True},
    "webhook_endpoint": {"status": "enabled"},
}
"""What Stripe fills in."""


def _play(path: str, kind: str, prefix: str) -> None:
    @plays("GET", path)
    def list_all(call: Call) -> dict[str, Any]:
        return page_of(call, store.every(kind), path)

    @plays("POST", path)
    def create(call: Call) -> dict[str, Any]:
        return store.make(kind, prefix, **{**_GIVEN.get(kind, {}), **fitted(kind, call.params)})

    @plays("GET", f"{path}/{{}}")
    def retrieve(call: Call) -> dict[str, Any]:
        return store.need(call.id, kind)

    @plays("POST", f"{path}/{{}}")
    def update(call: Call) -> dict[str, Any]:
        return store.save({**store.need(call.id, kind), **fitted(kind, call.params)})


for _path, (_kind, _prefix) in _KINDS.items():
    _play(_path, _kind, _prefix)


@plays("POST", "/v1/billing/meters/{}/reactivate")
def reactivate_meter(call: Call) -> dict[str, Any]:
    return store.save({**store.need(call.id, "billing.meter"), "status": "active"})


@plays("GET", "/v1/prices")
def list_prices(call: Call) -> dict[str, Any]:
    wanted = call.params.get("lookup_keys")
    found = [price for price in store.every("price") if wanted is None or price["lookup_key"] in wanted]
    if "data.tiers" not in call.params.get("expand", []):  # shown to who asks for them only
        found = [{**price, "tiers": None} for price in found]
    return page_of(call, found, "/v1/prices")


@plays("POST", "/v1/prices")
def create_price(call: Call) -> dict[str, Any]:
    lookup_key = call.params.get("lookup_key")
    for other in store.every("price", lookup_key=lookup_key) if lookup_key else []:
        if call.params.get("transfer_lookup_key") != "true":
            raise store.Refused("A price with this lookup key exists already.", param="lookup_key")
        store.save({**other, "lookup_key": None})
    kind = "recurring" if "recurring" in call.params else "one_time"
    given = fitted("price", {name: value for name, value in call.params.items() if name != "tiers"})
    if given.get("recurring"):
        given["recurring"] |= {"interval_count": int(call.params["recurring"].get("interval_count", 1))}
        given["recurring"].setdefault("usage_type", "licensed")
    tiers = list(map(_tier, call.params["tiers"])) if "tiers" in call.params else None
    made = store.make("price", "price", **{"active": True, "type": kind, **given, "tiers": tiers})
    return {**made, "tiers": None}


def _tier(given: dict[str, Any]) -> dict[str, Any]:
    flat, unit = given.get("flat_amount"), given.get("unit_amount")
    return {
        "flat_amount": int(flat) if flat is not None else None,
        "flat_amount_decimal": given.get("flat_amount_decimal", flat),
        "unit_amount": int(unit) if unit is not None else None,
        "unit_amount_decimal": given.get("unit_amount_decimal", unit),
        "up_to": None if given["up_to"] == "inf" else int(given["up_to"]),
    }


@plays("POST", "/v1/prices/{}")
def update_price(call: Call) -> dict[str, Any]:
    return store.save({**store.need(call.id, "price"), **fitted("price", call.params)})


@plays("GET", "/v1/events")
def list_events(call: Call) -> dict[str, Any]:
    since = int((call.params.get("created") or {}).get("gte", 0))
    return page_of(call, [event for event in store.every("event") if event["created"] >= since], "/v1/events")
