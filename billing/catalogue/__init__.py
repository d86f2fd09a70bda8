"""Our products, prices, meter, portal and webhook at Stripe, as code: what should be there, and what differs.

With the gateway and the sandbox this is the only place that knows the SDK.
"""

from functools import partial

import stripe

from billing.catalogue import meter, portal, prices, products, taxes, webhook
from billing.catalogue.part import Part, differences, sync
from billing.catalogue.webhook import EVENTS
from billing.plans import PLANS, SOLD

__all__ = ["EVENTS", "Part", "differences", "parts", "sync"]


def parts(client: stripe.StripeClient, *, webhook_url: str | None, is_automatic_tax: bool = False) -> list[Part]:
    """In the order in which they are set up. Without an address that Stripe can reach there is no webhook to set up."""
    v1 = client.v1
    found = [Part("meter", partial(meter.fault, v1), partial(meter.mend, v1))]
    for plan in (PLANS[code] for code in SOLD):
        found += [
            Part(f"product {plan.name}", partial(products.fault, v1, plan), partial(products.mend, v1, plan)),
            Part(f"price of {plan.name}", partial(prices.fault, v1, plan), partial(prices.mend, v1, plan)),
        ]
    found.append(Part("customer portal", partial(portal.fault, v1), partial(portal.mend, v1)))
    if is_automatic_tax:
        found.append(Part("taxes", partial(taxes.fault, v1), taxes.mend))
    if webhook_url is not None:
        about = (v1, webhook_url)
        found.append(Part("webhook", partial(webhook.fault, *about), partial(webhook.mend, *about)))
    return found
