"""Whether a person wrote a mail, or a machine: an answering machine, a list, a mail server. Imports no database."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

Headers = Mapping[str, Sequence[str]]
"""All of each name, in lower case."""


class Origin(StrEnum):
    PERSON = "person"
    LIST = "list"
    """It came over a mailing list; a person may have written it."""
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"


_OF_SERVERS = frozenset({"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon"})
_MARKS = (
    "x-autoreply",
    "x-auto-reply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-auto-generated",
    "x-vacation",
)
_NO = frozenset({"", "no", "false", "0", "none"})
_OF_ANSWERING = frozenset({"auto_reply", "auto-reply", "autoreply", "auto_replied", "auto-replied"})
_OF_LISTS = frozenset({"bulk", "junk", "list"})
_LIST_MARKS = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")


def origin_of(headers: Headers, *, sender: str | None) -> Origin:
    """`sender` is the address in From."""
    if _is_bounce(headers, sender):
        return Origin.BOUNCE
    if _is_automatic(headers):
        return Origin.AUTOMATIC
    is_of_list = any(name in headers for name in _LIST_MARKS) or _OF_LISTS & set(_values(headers, "precedence"))
    return Origin.LIST if is_of_list else Origin.PERSON


def _is_bounce(headers: Headers, sender: str | None) -> bool:
    kind = " ".join(headers.get("content-type", ())).lower().replace('"', "").replace(" ", "")
    is_report = kind.startswith("multipart/report") and "report-type=disposition-notification" not in kind
    is_report = is_report or kind.startswith("message/delivery-status")
    has_no_way_back = any(value.strip() == "<>" for value in headers.get("return-path", ()))
    is_server = (sender or "").partition("@")[0] in _OF_SERVERS
    return is_report or has_no_way_back or is_server or "x-failed-recipients" in headers


def _is_automatic(headers: Headers) -> bool:
    if any(value not in _NO for value in _values(headers, "auto-submitted")):
        return True
    if any(value not in _NO for name in _MARKS for value in _values(headers, name)):
        return True
    if _OF_ANSWERING & {*_values(headers, "precedence"), *_values(headers, "x-precedence")}:
        return True
    kind = " ".join(headers.get("content-type", ())).lower()
    suppressed = {one.strip() for value in _values(headers, "x-auto-response-suppress") for one in value.split(",")}
    return bool(suppressed & {"all", "oof", "autoreply"}) or "disposition-notification" in kind.partition("\n")[0]


def _values(headers: Headers, name: str) -> list[str]:
    """Without comments and parameters: `no (a person)` is no."""
    return [_bare(value) for value in headers.get(name, ())]


def _bare(value: str) -> str:
    depth, kept = 0, []
    for letter in value:
        depth += letter == "("
        if depth == 0:
            kept.append(letter)
        depth -= letter == ")" and depth > 0
    return "".join(kept).partition(";")[0].strip().lower()
