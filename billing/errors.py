"""How dealing with our payment provider can be refused."""

from http import HTTPStatus

from core.errors import AppError


class PaymentsAway(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "payments_away", "Our payment provider does not answer"
    advice = "Try again in a minute. Nothing was changed, and nothing was charged."
    is_unsent = False
    """Whether nothing was asked of it, so that nothing can have happened."""
    is_answered = False
    """Whether it answered with an error, and so is not at work on it any more."""


class ChangeUnsure(PaymentsAway):
    """A write was asked for, and its answer was lost."""

    code, title = "payments_unsure", "We are finding out whether this was done"
    advice = "Our payment provider did not tell us. Look at your plan again in a minute, before you try once more."


class PaymentsRefused(AppError):
    status, code, title = HTTPStatus.CONFLICT, "payments_refused", "Our payment provider refused this"
    advice = "Load the page again. If it stays, write to support."
    is_missing = False
    """Whether it does not have what it was asked about."""


class PriceMissing(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "price_missing", "This plan cannot be bought just now"
    advice = "Write to support: the price is not set up at our payment provider."


class MeterMissing(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "meter_missing", "There is no meter at our payment provider"
    advice = "Run flask billing sync, which sets it up."


class WebhookRefused(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "webhook_refused", "This is no event that our secret signed"
    advice = "Send the body as it was signed, with the header Stripe-Signature, within five minutes."
