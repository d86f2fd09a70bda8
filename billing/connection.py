"""Which Stripe we talk to: the real one with a key. Without one, outside production, a sandbox is connected instead."""

from typing import cast

import stripe
from flask import Flask, current_app

from billing.gateway import Gateway
from billing.transport import RETRIES, Transport
from core.outbound import Outbound
from core.settings import Environment, Settings

MOST_PLACES = 4
_EXTENSION = "billing_gateway"


def set_up(app: Flask, settings: Settings) -> None:
    if not is_sandbox(settings):
        connect(app, _stripe(settings))


def connect(app: Flask, to: Gateway) -> None:
    app.extensions[_EXTENSION] = to


def gateway() -> Gateway:
    return cast("Gateway", current_app.extensions[_EXTENSION])


def is_sandbox(settings: Settings) -> bool:
    return settings.stripe_api_key is None and settings.environment is not Environment.PRODUCTION


def places_of(settings: Settings) -> int:
    """So many threads of a process may wait for Stripe at once: a few of those that answer pages."""
    return max(1, min(MOST_PLACES, settings.web_threads // 4))


def _stripe(settings: Settings) -> Gateway:
    key = settings.stripe_api_key or ""
    stripe.enable_telemetry = False
    client = stripe.StripeClient(
        key,
        max_network_retries=RETRIES,
        http_client=Transport(Outbound("stripe", places=places_of(settings))),
        base_addresses={"api": settings.stripe_api_base} if settings.stripe_api_base else {},
    )
    secrets = (settings.stripe_webhook_secret, settings.stripe_webhook_secret_previous)
    return Gateway(
        client,
        webhook_secrets=[one for one in secrets if one],
        is_live="_live_" in key,
        is_automatic_tax=settings.stripe_automatic_tax,
    )
