"""How dealing with our payment provider can be refused."""

from http import HTTPStatus

from core.errors import AppError


class PaymentsAway(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "payments_away", "Our payment provider is not responding"
    advice = "Try again in a minute. Nothing was changed, and you were not charged."
    is_unsent = False
    """Whether nothing was asked of it, so that nothing can have happened."""
    is_answered = False
    """Whether it answered with an error, and so is not at work on it any more."""


class ChangeUnsure(PaymentsAway):
    """A write was asked for, and its answer was lost."""

    code, title = "payments_unsure", "We are checking whether this change was made"
    advice = "Our payment provider did not respond in time. Check your plan in a minute before you try again."


class PaymentsRefused(AppError):
    status, code, title = HTTPStatus.CONFLICT, "payments_refused", "Our payment provider declined this request"
    advice = "Reload the page. If the problem persists, contact support."
    is_missing = False
    """Whether it does not have what it was asked about."""


class PriceMissing(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "price_missing", "This plan is not available right now"
    advice = "Contact support: the price is not set up with our payment provider."


class MeterMissing(AppError):
    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "meter_missing", "There is no meter at our payment provider"
    advice = "Run flask billing sync, which sets it up."


class WebhookRefused(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "webhook_refused", "The signature of this event is not valid"
    advice = "Send the body exactly as it was signed, with the header Stripe-Signature, within five minutes."
