"""What is refused about channels."""

from http import HTTPStatus

from core.errors import AppError

MOST_CHANNELS = 20
"""Of one organization, or of the operators."""


class ChannelExists(AppError):
    status, code, title = HTTPStatus.CONFLICT, "channel_exists", "There is a channel with this name already"
    advice = "Choose another name. If you pressed twice, your channel is in the list; roll its secret to see one."


class TooManyChannels(AppError):
    status, code, title = HTTPStatus.CONFLICT, "too_many_channels", "There are as many channels as there can be"
    advice = f"Delete one that is not needed: {MOST_CHANNELS} are possible."


class ChannelMoved(AppError):
    status, code, title = HTTPStatus.CONFLICT, "channel_moved", "The channel is in another state by now"
    advice = "Load the page again to see how it stands. Nothing was changed."


class NotAgreed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "not_agreed", "Whoever reads this address has not agreed to it"
    advice = "They agree with the link in their mail. To ask them again, delete the channel and make it anew."


class NoSecret(AppError):
    status, code, title = HTTPStatus.CONFLICT, "no_secret", "Only webhooks are signed"
    advice = "Mail and Slack need no secret of ours."
