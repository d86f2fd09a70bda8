"""Reading a mail that came in: who wrote it, to whom, what, and which files. It proves little, and may be anything."""

import hashlib
from collections.abc import Sequence
from email.message import EmailMessage

import msgspec

from portal.support.inbound.bounded import headers_alone, headers_of, parse
from portal.support.inbound.origins import Headers, Origin, origin_of
from portal.support.inbound.parts import Contents, File, clean, contents_of
from portal.support.inbound.senders import Sender, addresses_in, one_line, sender_of
from portal.support.uploads import MOST_FILES, FileRefused, Upload, accept

MOST_WORDS = 100_000
_MOST_REMARKS, _LONGEST_SUBJECT, _LONGEST_ID = 20, 200, 998
_MOST_OF_A_NAME = 10
"""Headers of one name that are looked at."""
_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-forwarded-to")


class Glimpse(msgspec.Struct, frozen=True):
    """What the headers alone say, for a list."""

    message_id: str | None
    sender: Sender | None
    shown_sender: str
    subject: str


class Mail(msgspec.Struct, frozen=True):
    """What of a mail matters here."""

    glimpse: Glimpse
    recipients: tuple[str, ...]
    returned_to: tuple[str, ...]
    """Where answers to a mail of ours that came back should have gone."""
    words: str
    remarks: tuple[str, ...]
    uploads: tuple[Upload, ...]
    origin: Origin
    fingerprint: bytes
    """Of what somebody wrote: two copies that took different ways have the same."""


def read(raw: bytes) -> Mail:
    """Raises NotRead."""
    message = parse(raw)
    headers = headers_of(message)
    seen = _glimpse(message)
    origin = origin_of(headers, sender=seen.sender.email if seen.sender else None)
    contents = contents_of(message, origin=origin)
    uploads, left_out = _uploads_of(contents.files)
    words = "\n\n".join(contents.words).strip("\n")
    return Mail(
        glimpse=seen,
        recipients=tuple(one for name in _TO for one in addresses_in(headers.get(name, ())[:_MOST_OF_A_NAME])),
        returned_to=_returned_to(contents),
        words=words,
        remarks=(*contents.remarks, *left_out),
        uploads=uploads,
        origin=origin,
        fingerprint=_fingerprint(headers, raw),
    )


def glimpse(raw: bytes) -> Glimpse:
    """Never raises."""
    return _glimpse(headers_alone(raw))


def shown(words: str, remarks: Sequence[str]) -> str:
    """As a message of a request: what is too long is cut, and whatever was left out is named."""
    kept, told = words[:MOST_WORDS].rstrip(), list(remarks[:_MOST_REMARKS])
    if len(words) > MOST_WORDS:
        told.insert(0, f"{len(words) - MOST_WORDS:,} more characters of text")
    if len(remarks) > _MOST_REMARKS:
        told.append(f"{len(remarks) - _MOST_REMARKS} more files or parts")
    lines = "\n".join(f"[Not included: {one}]" for one in told)
    return f"{kept or '(no text)'}\n\n{lines}" if lines else kept or "(no text)"


def _glimpse(message: EmailMessage) -> Glimpse:
    headers = headers_of(message)
    given = " ".join(headers.get("from", ())[:_MOST_OF_A_NAME])[:_LONGEST_ID]
    message_id = one_line(next((one for one in headers.get("message-id", ()) if one.strip()), ""))
    return Glimpse(
        message_id=message_id[:_LONGEST_ID] or None,
        sender=sender_of(headers.get("from", ())),
        shown_sender=one_line(clean(given))[:_LONGEST_SUBJECT],
        subject=one_line(clean(str(message.get("Subject", ""))))[:_LONGEST_SUBJECT] or "No subject",
    )


def _returned_to(contents: Contents) -> tuple[str, ...]:
    return tuple(one for mail in contents.returned for one in addresses_in([str(mail.get("Reply-To", ""))]))


def _uploads_of(files: Sequence[File]) -> tuple[tuple[Upload, ...], list[str]]:
    """Those that we take, attached ones before pictures within the text, and what became of the others."""
    taken: list[Upload] = []
    left_out: list[str] = []
    for file in sorted(files, key=lambda file: not file.is_attached):
        try:
            upload = accept(file.name, file.content)
        except FileRefused:
            left_out.append(f"{file.name}: unsupported file type or size")
            continue
        if len(taken) < MOST_FILES:
            taken.append(upload)
        else:
            left_out.append(f"{file.name}: more than {MOST_FILES} files")
    return tuple(taken), left_out


def _fingerprint(headers: Headers, raw: bytes) -> bytes:
    """One without Message-ID and without Date is itself alone."""
    is_known = any(value.strip() for name in ("message-id", "date") for value in headers.get(name, ()))
    if not is_known:
        return hashlib.sha256(raw).digest()
    plain = raw.replace(b"\r\n", b"\n")
    told = [value for name in ("message-id", "date", "from", "subject") for value in headers.get(name, ())]
    return hashlib.sha256("\n".join(told).encode("utf-8", "replace") + plain.partition(b"\n\n")[2]).digest()
