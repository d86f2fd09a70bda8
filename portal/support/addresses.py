"""The address that answers by mail go to: ours for support, with the request's number and its secret in it."""

import re
from collections.abc import Iterable

import msgspec

from core import current
from core.tokens import new_token
from portal.support.models import Ticket

_TOKEN_LENGTH = 20
_TAG = re.compile(rf"[^+]*\+([0-9]{{1,18}})\.([a-z0-9_-]{{{_TOKEN_LENGTH}}})", re.IGNORECASE)


class Tag(msgspec.Struct, frozen=True):
    number: int
    reply_token: str


def new_reply_token() -> str:
    return new_token()[:_TOKEN_LENGTH].lower()


def reply_address(ticket: Ticket) -> str | None:
    """None where no mail comes in."""
    settings = current.settings()
    if not settings.support_email or not settings.inbound_mail_token:
        return None
    local, _, domain = settings.support_email.partition("@")
    return f"{local}+{ticket.number}.{ticket.reply_token}@{domain}"


def tag_in(addresses: Iterable[str]) -> Tag | None:
    """The request that a mail answers, by the addresses it was sent to."""
    for address in addresses:
        found = _TAG.fullmatch(address.rpartition("@")[0].strip('"'))
        if found is not None:
            return Tag(int(found[1]), found[2].lower())
    return None
