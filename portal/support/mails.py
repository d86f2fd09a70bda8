"""Reading a mail that came in: who wrote it, to whom, what, and which files. It proves little, and may be anything."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import getaddresses
from http import HTTPStatus

import msgspec
import structlog
from markupsafe import Markup

from core.errors import AppError
from portal.support.quoting import latest
from portal.support.records import Author
from portal.support.uploads import MOST_FILES, FileRefused, Upload, accept

log = structlog.get_logger()

MOST_BYTES = 15_000_000
_MOST_WORDS, _MOST_MARKUP, _LONGEST_LINE = 20_000, 50_000, 998
_OF_MACHINES = frozenset({"bulk", "junk", "list"})
_ADDRESS = re.compile(r"[^\s<>\"(),:;@\[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}")
_LINE_ENDS = re.compile(r"<br[^>]*>|</(?:p|div|li|tr|h\d)>", re.IGNORECASE)
_BREAK = "\ue000"


class MailUnreadable(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "mail_unreadable", "This is no mail"
    advice = "Send the raw message as it came (message/rfc822), with its Message-ID and From."


class Mail(msgspec.Struct, frozen=True):
    """What of a mail matters here."""

    message_id: str
    sender: Author
    recipients: tuple[str, ...]
    subject: str
    body: str
    uploads: tuple[Upload, ...]
    is_automatic: bool


def read(raw: bytes) -> Mail:
    """Raises MailUnreadable. What a mail program got wrong is no reason to lose what somebody wrote."""
    try:
        return _read(message_from_bytes(raw, policy=policy.default))
    except MailUnreadable:
        raise
    except Exception as error:
        log.warning("mail.hard_to_read", exc_info=error)
    try:
        return _read_plainly(raw)
    except MailUnreadable:
        raise
    except Exception as error:
        raise MailUnreadable from error


def _read(message: EmailMessage) -> Mail:
    sender, message_id = _from(str(message.get("From", ""))), str(message.get("Message-ID", ""))
    uploads, left_out = _files_of(message)
    remarks = "".join(f"\n[{name} was left out: not a kind or size that we take]" for name in left_out[:MOST_FILES])
    return Mail(
        message_id=_id_of(message_id),
        sender=sender,
        recipients=tuple(_addresses(message)),
        subject=_one_line(str(message.get("Subject", ""))) or "Without a subject",
        body=_words_of(message) + _clean(remarks),
        uploads=uploads,
        is_automatic=_is_automatic(message, sender),
    )


def _read_plainly(raw: bytes) -> Mail:
    """With nothing but the headers' letters and all of the body as text: better than losing it."""
    headers, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = headers.decode(errors="replace").split("\n")
    given = {
        name.strip().lower(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon
    }
    return Mail(
        message_id=_id_of(given.get("message-id", "")),
        sender=_from(given.get("from", "")),
        recipients=(given.get("to", ""),),
        subject=_one_line(given.get("subject", "")) or "Without a subject",
        body=latest(_clean(body.decode(errors="replace")))[:_MOST_WORDS] or "(no text)",
        uploads=(),
        is_automatic="auto-submitted" in given,
    )


def _from(header: str) -> Author:
    """Raises MailUnreadable where no address is to be found."""
    found = _ADDRESS.search(header[:_LONGEST_LINE])
    if found is None:
        raise MailUnreadable
    name = _one_line(header[: found.start()].strip(' <"'))
    return Author(name=name or found[0], email=found[0].lower())


def _id_of(header: str) -> str:
    """Raises MailUnreadable."""
    found = _one_line(header, most=_LONGEST_LINE)
    if not found:
        raise MailUnreadable
    return found


def _one_line(text: str, *, most: int = 200) -> str:
    return " ".join(_clean(text).split())[:most]


def _clean(text: str) -> str:
    return text.replace("\x00", "")


def _addresses(message: EmailMessage) -> Iterator[str]:
    for name in ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"):
        yield from (address for _, address in getaddresses([str(value) for value in message.get_all(name, [])]))


def _is_automatic(message: EmailMessage, sender: Author) -> bool:
    """An answering machine's, or of a list: answering it could go on for ever."""
    submitted = str(message.get("Auto-Submitted", "no")).lower()
    precedence = str(message.get("Precedence", "")).lower()
    is_bounce = str(message.get("Return-Path", "")).strip() == "<>"
    is_machine = sender.email.partition("@")[0] in {"mailer-daemon", "postmaster"}
    return submitted != "no" or precedence in _OF_MACHINES or "List-Id" in message or is_bounce or is_machine


def _words_of(message: EmailMessage) -> str:
    """What the sender wrote, without the mail that they answered."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return "(no text)"
    words = _text_of(part)
    if part.get_content_subtype() == "html":
        words = Markup(_LINE_ENDS.sub(_BREAK, words[:_MOST_MARKUP])).striptags()  # noqa: S704  made plain, never shown as HTML
        words = words.replace(_BREAK, "\n")
    return latest(_clean(words))[:_MOST_WORDS] or "(no text)"


def _text_of(part: MIMEPart) -> str:
    """Also where the mail names an alphabet that nobody knows."""
    try:
        return str(part.get_content())
    except LookupError:
        content = part.get_payload(decode=True)
        return content.decode("latin-1") if isinstance(content, bytes) else ""


def _files_of(message: EmailMessage) -> tuple[tuple[Upload, ...], list[str]]:
    """Those that we take, and the names of those that we do not."""
    taken: list[Upload] = []
    left_out: list[str] = []
    for part in message.iter_attachments():
        name = _one_line(part.get_filename() or "file", most=100)
        if len(taken) == MOST_FILES:
            left_out.append(name)
            continue
        content = part.get_payload(decode=True)
        try:
            taken.append(accept(name, content if isinstance(content, bytes) else b""))
        except FileRefused:
            left_out.append(name)
    return tuple(taken), left_out
