"""A stand-in for Stripe where no key is set, and never in production: the same client, another transport.

`transport` is an HTTP client of the SDK that answers from the objects in `store`; what it does is in `catalog`,
`customers`, `checkout`, `subscriptions` and `invoices`. `events` signs what happened and hands it to our real webhook,
and `views` are the pages that Stripe would show. It proves the way of money, and no sums, taxes or dunning.
"""

import stripe
from flask import Flask

from billing import connection
from billing.gateway import Gateway
from core.settings import Settings
from local.stripe_sandbox import views
from local.stripe_sandbox.events import secret_from
from local.stripe_sandbox.transport import Sandbox


def init_app(app: Flask, settings: Settings) -> None:
    app.register_blueprint(views.bp)
    connect(app, settings)


def connect(app: Flask, settings: Settings) -> None:
    client = stripe.StripeClient("sk_test_sandbox", http_client=Sandbox(), max_network_retries=0)
    gateway = Gateway(
        client,
        webhook_secrets=[secret_from(settings.secret_key)],
        is_live=False,
        is_automatic_tax=settings.stripe_automatic_tax,
    )
    connection.connect(app, gateway)
