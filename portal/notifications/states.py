"""The states of channels and deliveries, the moves between them, and when a delivery is tried again. No database."""

from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    MAIL = "mail"
    SLACK = "slack"
    WEBHOOK = "webhook"


class ChannelState(StrEnum):
    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    PAUSED = "paused"
    FAILING = "failing"


CHANNEL_MOVES = {
    ChannelState.UNCONFIRMED: frozenset({ChannelState.ACTIVE}),
    ChannelState.ACTIVE: frozenset({ChannelState.PAUSED, ChannelState.FAILING, ChannelState.UNCONFIRMED}),
    ChannelState.PAUSED: frozenset({ChannelState.ACTIVE, ChannelState.UNCONFIRMED}),
    ChannelState.FAILING: frozenset({ChannelState.ACTIVE, ChannelState.UNCONFIRMED}),
}
"""Whoever reads a channel's mails can take their consent back, and then it is unconfirmed again."""


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """The last attempt failed; another one comes."""
    GIVEN_UP = "given_up"


DELIVERY_MOVES = {
    DeliveryState.WAITING: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.GIVEN_UP}),
    DeliveryState.FAILED: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.GIVEN_UP}),
    DeliveryState.DELIVERED: frozenset({DeliveryState.WAITING}),
    DeliveryState.GIVEN_UP: frozenset({DeliveryState.WAITING}),
}
UNDER_WAY = frozenset({DeliveryState.WAITING, DeliveryState.FAILED})

KIND_LABELS = {Kind.MAIL: "Email", Kind.SLACK: "Slack", Kind.WEBHOOK: "Webhook"}
CHANNEL_LABELS = {
    ChannelState.UNCONFIRMED: "waiting for confirmation",
    ChannelState.ACTIVE: "active",
    ChannelState.PAUSED: "paused",
    ChannelState.FAILING: "stopped after failures",
}
DELIVERY_LABELS = {
    DeliveryState.WAITING: "waiting",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.FAILED: "failed, will retry",
    DeliveryState.GIVEN_UP: "failed",
}

TRIES = 10
_FIRST_WAIT = timedelta(seconds=30)
_FACTOR = 3
_LEAST_OF_WAIT = 0.75
"""Waits are cut by up to a quarter, so that those who failed together do not come back together."""
LONGEST_ASKED_WAIT = timedelta(hours=24)
"""The most of a receiver's Retry-After that is honoured."""


def wait_before_next(failed: int, *, chance: float, asked: timedelta | None = None) -> timedelta | None:
    """After so many failed tries: 30 s, then three times as long each, ten tries in about three days. None: no more.

    `chance` is from 0 to 1. `asked` is what the receiver asked for.
    """
    if failed >= TRIES:
        return None
    times: int = _FACTOR ** (failed - 1)
    wait = _FIRST_WAIT * times * (_LEAST_OF_WAIT + (1 - _LEAST_OF_WAIT) * chance)
    return max(wait, min(asked or timedelta(0), LONGEST_ASKED_WAIT))
