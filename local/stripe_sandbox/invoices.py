"""Invoices and the money behind them: payments, charges, refunds and disputes."""

from typing import Any

from billing.plans import METERED_MINIMUM_MINOR
from core import current
from local.stripe_sandbox import events, store
from local.stripe_sandbox.blank import blank, list_of
from local.stripe_sandbox.routes import Call, page_of, plays

EVIDENCE_WITHIN_S = 9 * 86_400


def make(subscription: dict[str, Any], amount: int, reason: str, *, is_paid: bool) -> dict[str, Any]:
    """An invoice for the subscription's period, finalized at once, and paid or tried in vain."""
    identifier, now_s = store.new_id("in"), store.now_s()
    item = subscription["items"]["data"][0]
    details = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
    line = blank("line_item", id=store.new_id("il"), amount=amount, subtotal=amount, currency=subscription["currency"])
    line |= {
        "description": f"1 × {item['price'].get('nickname') or item['price']['lookup_key']}",
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "invoice": identifier,
        "quantity": 1,
    }
    page = f"{current.settings().base_url}/_sandbox/stripe/invoices/{identifier}"
    invoice = store.make(
        "invoice",
        "in",
        id=identifier,
        customer=subscription["customer"],
        number=f"SANDBOX-{len(store.every('invoice')) + 1:04}",
        amount_due=amount,
        amount_remaining=amount,
        attempt_count=1,
        automatic_tax={**subscription["automatic_tax"], "provider": None, "status": None},
        attempted=True,
        billing_reason=reason,
        currency=subscription["currency"],
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
        lines=list_of([line], "/v1/invoices/lines"),
        parent={"type": "subscription_details", "quote_details": None, "subscription_details": details},
        period_start=item["current_period_start"],
        period_end=item["current_period_end"],
        status="open",
        status_transitions={
            "finalized_at": now_s,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        subtotal=amount,
        total=amount,
        payments=list_of([], "/v1/invoice_payments"),
    )
    events.emit("invoice.finalized", invoice)
    if is_paid:
        return settle(invoice)
    if reason != "subscription_create":
        events.emit("invoice.payment_failed", invoice)
    return invoice


def settle(invoice: dict[str, Any]) -> dict[str, Any]:
    """Its money has arrived."""
    charge_id = store.new_id("ch")
    common = {"amount": invoice["amount_due"], "currency": invoice["currency"], "customer": invoice["customer"]}
    intent = store.make("payment_intent", "pi", **common, status="succeeded", latest_charge=charge_id)
    store.make("charge", "ch", id=charge_id, **common, payment_intent=intent["id"], paid=True, status="succeeded")
    payment = blank("invoice_payment", id=store.new_id("inpay"), invoice=invoice["id"], status="paid", is_default=True)
    payment |= {"payment": {"type": "payment_intent", "payment_intent": intent["id"], "charge": None}}
    invoice |= {
        "status": "paid",
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "status_transitions": {**invoice["status_transitions"], "paid_at": store.now_s()},
        "payments": list_of([payment], "/v1/invoice_payments"),
    }
    events.emit("invoice.paid", store.save(invoice))
    return invoice


def price_of(price: dict[str, Any]) -> int:
    """What a month costs at least, in cents; the sandbox counts no usage."""
    return int(price["unit_amount"] or METERED_MINIMUM_MINOR)


@plays("GET", "/v1/invoices")
def list_all(call: Call) -> dict[str, Any]:
    return page_of(call, store.every("invoice", customer=call.need("customer")), "/v1/invoices")


@plays("GET", "/v1/invoices/{}")
def retrieve(call: Call) -> dict[str, Any]:
    return store.need(call.id, "invoice")


@plays("POST", "/v1/invoices/create_preview")
def preview(call: Call) -> dict[str, Any]:
    """The difference of the prices for what is left of the month; Stripe's sums may differ."""
    subscription = store.need(call.need("subscription"), "subscription")
    item = subscription["items"]["data"][0]
    wanted = store.need(call.params["subscription_details"]["items"][0]["price"], "price")
    length_s = item["current_period_end"] - item["current_period_start"]
    left = max(0, item["current_period_end"] - store.now_s()) / length_s
    due = max(0, round((price_of(wanted) - price_of(item["price"])) * left))
    return blank("invoice", currency=subscription["currency"], amount_due=due, total=due, subtotal=due)


@plays("GET", "/v1/payment_intents/{}")
def retrieve_intent(call: Call) -> dict[str, Any]:
    intent = store.need(call.id, "payment_intent")
    if "latest_charge" in call.params.get("expand", []):
        intent["latest_charge"] = store.need(intent["latest_charge"], "charge")
    return intent


@plays("GET", "/v1/charges/{}")
def retrieve_charge(call: Call) -> dict[str, Any]:
    return store.need(call.id, "charge")


@plays("GET", "/v1/refunds/{}")
def retrieve_refund(call: Call) -> dict[str, Any]:
    return store.need(call.id, "refund")


@plays("GET", "/v1/refunds")
def list_refunds(call: Call) -> dict[str, Any]:
    return page_of(call, store.every("refund", payment_intent=call.need("payment_intent")), "/v1/refunds")


@plays("GET", "/v1/radar/early_fraud_warnings/{}")
def retrieve_warning(call: Call) -> dict[str, Any]:
    return store.need(call.id, "radar.early_fraud_warning")


@plays("GET", "/v1/payment_methods/{}")
def retrieve_payment_method(call: Call) -> dict[str, Any]:
    return store.need(call.id, "payment_method")


@plays("GET", "/v1/disputes")
def list_disputes(call: Call) -> dict[str, Any]:
    return page_of(call, store.every("dispute", payment_intent=call.need("payment_intent")), "/v1/disputes")


@plays("GET", "/v1/disputes/{}")
def retrieve_dispute(call: Call) -> dict[str, Any]:
    return store.need(call.id, "dispute")


@plays("POST", "/v1/refunds")
def refund(call: Call) -> dict[str, Any]:
    charge = store.need(store.need(call.need("payment_intent"), "payment_intent")["latest_charge"], "charge")
    if charge["disputed"]:
        raise store.Refused("This charge is disputed and cannot be refunded.", code="charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    amount = int(call.params.get("amount") or left)
    if not 0 < amount <= left:
        raise store.Refused("This charge has already been refunded.", code="charge_already_refunded")
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    made = store.make(
        "refund",
        "re",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=call.params.get("metadata", {}),
        payment_intent=call.params["payment_intent"],
        status="succeeded",
    )
    events.emit("charge.refunded", store.save(charge))
    return made


@plays("POST", "/v1/credit_notes")
def write_credit_note(call: Call) -> dict[str, Any]:
    invoice, amount = store.need(call.need("invoice"), "invoice"), int(call.need("amount"))
    if invoice["status"] not in {"open", "paid"}:
        raise store.Refused("A credit note can only be created for a finalized invoice.")
    written = sum(one["amount"] for one in store.every("credit_note", invoice=invoice["id"]))
    if written + amount > invoice["total"]:
        raise store.Refused("The sum of credit notes cannot exceed the invoice amount.", param="amount")
    note = blank("credit_note", id=store.new_id("cn"), created=store.now_s(), invoice=invoice["id"], amount=amount)
    refunds = [{"refund": one["refund"], "amount_refunded": amount} for one in call.params.get("refunds", [])]
    note |= {
        "customer": invoice["customer"],
        "currency": invoice["currency"],
        "memo": call.params.get("memo"),
        "number": f"{invoice['number']}-CN-{len(store.every('credit_note')) + 1:02}",
        "refunds": [{**one, "type": "refund", "payment_record_refund": None} for one in refunds],
        "status": "issued",
        "total": amount,
        "type": "post_payment",
    }
    return store.save(note)


def dispute(charge_id: str, *, status: str) -> dict[str, Any]:
    """The bank asks or takes the money back; the same dispute moves on when it is there already."""
    charge = store.need(charge_id, "charge")
    there = store.every("dispute", charge=charge_id)
    if there:
        moved = store.save({**there[0], "status": status})
        events.emit("charge.dispute.closed" if status in {"won", "lost"} else "charge.dispute.updated", moved)
        return moved
    store.save({**charge, "disputed": not status.startswith("warning")})
    made = store.make(
        "dispute",
        "dp",
        amount=charge["amount"],
        charge=charge_id,
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason="fraudulent",
        status=status,
    )
    made["evidence_details"] |= {"due_by": store.now_s() + EVIDENCE_WITHIN_S}
    store.save(made)
    events.emit("charge.dispute.created", made)
    return made
