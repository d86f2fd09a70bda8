"""What is refused about channels."""

from http import HTTPStatus

from core.errors import AppError

MOST_CHANNELS = 20
"""Of one organization, or of the operators."""


class ChannelExists(AppError):
    status, code, title = HTTPStatus.CONFLICT, "channel_exists", "A channel with this name already exists"
    advice = (
        "Choose another name. If you submitted the form twice, the channel is in the list; "
        "rotate its secret to see a new one."
    )


class TooManyChannels(AppError):
    status, code, title = HTTPStatus.CONFLICT, "too_many_channels", "Channel limit reached"
    advice = f"You can have up to {MOST_CHANNELS} channels. Delete one you no longer need."


class ChannelMoved(AppError):
    status, code, title = HTTPStatus.CONFLICT, "channel_moved", "The channel's status has changed"
    advice = "Reload the page to see its current status. Nothing was changed."


class NotAgreed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_agreed", "The recipient has not confirmed this address"
    advice = "They confirm with the link in their email. To send it again, delete the channel and create a new one."


class NoSecret(AppError):
    status, code, title = HTTPStatus.CONFLICT, "no_secret", "Only webhooks have a signing secret"
    advice = "Email and Slack channels do not use a signing secret."
