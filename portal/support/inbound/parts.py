"""What the parts of a mail hold: words, files, and what was left out and why. Every part is looked at."""

from email.message import EmailMessage, Message
from typing import Any

import msgspec

from portal.support.alphabets import decoded
from portal.support.inbound.markup import words_of
from portal.support.inbound.origins import Origin
from portal.support.inbound.senders import one_line

_MOST_MARKUP = 2_000_000
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_OF_OUTLOOK = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_WORDS = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown"})
_TOLD = ("final-recipient", "action", "status", "diagnostic-code", "remote-mta")
_FORWARDED = ("From", "Date", "Subject")


class File(msgspec.Struct, frozen=True):
    name: str
    content: bytes
    is_attached: bool
    """Not shown within the text, as a logo is."""
    is_text: bool


class Contents(msgspec.Struct):
    words: list[str] = msgspec.field(default_factory=list)
    files: list[File] = msgspec.field(default_factory=list)
    remarks: list[str] = msgspec.field(default_factory=list)
    returned: list[EmailMessage] = msgspec.field(default_factory=list)
    """The mail of ours that a bounce brings back."""


def contents_of(message: EmailMessage, *, origin: Origin) -> Contents:
    found = Contents()
    _read(message, found, origin)
    inline = next((file for file in found.files if file.is_text and not file.is_attached), None)
    if not found.words and inline is not None:
        found.words.append(clean(decoded(inline.content)))
    return found


def clean(text: str) -> str:
    """Fit to be kept: no carriage returns, no control characters, no halves of letters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return "".join(letter for letter in lines if letter in "\n\t" or letter >= " ")


def _read(part: Any, found: Contents, origin: Origin) -> None:
    kind = part.get_content_type()
    if part.is_multipart():
        _read_several(part, kind, found, origin)
    elif kind in _SIGNATURES:
        found.remarks.append(f"{_name_of(part)}: a signature")
    elif kind in _SEALED or _is_sealed_by_pgp(part):
        found.remarks.append(f"{_name_of(part)}: encrypted or signed in an unsupported way")
    elif kind in _OF_OUTLOOK or _name_of(part).lower() == "winmail.dat":
        found.remarks.append(f"{_name_of(part)}: Outlook format (may contain files)")
    elif kind == "text/rfc822-headers" and origin is Origin.BOUNCE:
        _read_returned_headers(part, found)
    elif kind in _WORDS and not _has_name(part) and part.get_content_disposition() != "attachment":
        _read_words(part, kind, found)
    else:
        _read_file(part, kind, found)


def _read_several(part: Any, kind: str, found: Contents, origin: Origin) -> None:
    children = list(part.get_payload())
    if kind == "multipart/alternative":
        _read_one_of(children, found, origin)
    elif kind == "message/delivery-status":
        found.words.append("\n".join(_delivery_status(children)))
    elif kind.startswith("message/") and origin is Origin.BOUNCE:
        found.returned += children
        found.remarks.append("Returned email")
    elif kind.startswith("message/"):
        for child in children:
            _read_forwarded(child, found, origin)
    else:
        for child in children:
            _read(child, found, origin)


def _read_one_of(children: list[Any], found: Contents, origin: Origin) -> None:
    """The same in several ways: the words of the first way that has any, and the files of all."""
    for child in children:
        other = Contents()
        _read(child, other, origin)
        has_words = any(words.strip() for words in found.words)
        found.words += [] if has_words else other.words
        found.files += other.files
        found.remarks += other.remarks
        found.returned += other.returned


def _read_forwarded(child: Any, found: Contents, origin: Origin) -> None:
    lines = [f"{name}: {one_line(str(child[name]))}" for name in _FORWARDED if child[name]]
    found.words.append("\n".join(["---------- Forwarded message ----------", *lines]))
    _read(child, found, origin)


def _delivery_status(children: list[Message]) -> list[str]:
    return [
        f"{name}: {clean(one_line(str(value)))}"
        for child in children
        for name, value in child.items()
        if name.lower() in _TOLD
    ]


def _read_returned_headers(part: Any, found: Contents) -> None:
    returned = EmailMessage()
    for line in decoded(_content_of(part)).splitlines():
        name, colon, value = line.partition(":")
        if colon and name.lower() in {"reply-to", "message-id"} and name not in returned:
            returned[name] = one_line(value)
    found.returned.append(returned)
    found.remarks.append("Headers of the returned email")


def _read_words(part: Any, kind: str, found: Contents) -> None:
    text = decoded(_content_of(part), part.get_content_charset())
    if kind == "text/html":
        if len(text) > _MOST_MARKUP:
            found.remarks.append("Rest of a very long text")
        text = words_of(text[:_MOST_MARKUP])
    text = clean(text).strip("\n")
    if text.strip():
        found.words.append(text)


def _read_file(part: Any, kind: str, found: Contents) -> None:
    is_attached = part.get_content_disposition() == "attachment" or "content-id" not in part
    is_text = kind == "text/plain" and part.get_content_disposition() != "attachment"
    found.files.append(File(_name_of(part), _content_of(part), is_attached and not is_text, is_text))


def _content_of(part: Any) -> bytes:
    """Also of what says wrongly how it is encoded."""
    content = part.get_payload(decode=True)
    if isinstance(content, bytes):
        return content
    return str(part.get_payload() or "").encode("utf-8", "surrogateescape")


def _is_sealed_by_pgp(part: Any) -> bool:
    return part.get_content_type() == "application/octet-stream" and _content_of(part).lstrip().startswith(
        b"-----BEGIN PGP MESSAGE-----"
    )


def _has_name(part: Any) -> bool:
    return bool(part.get_filename())


def _name_of(part: Any) -> str:
    given = part.get_filename() or part.get_param("name")
    if isinstance(given, tuple):
        given = given[2]
    kind = part.get_content_type()
    return one_line(str(given or _NAMES.get(kind, "file")))[:100] or "file"


_NAMES = {
    "text/calendar": "invitation.ics",
    "application/ms-tnef": "winmail.dat",
    "application/pgp-encrypted": "encrypted.asc",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-mime": "smime.p7m",
    "application/pkcs7-signature": "smime.p7s",
    "text/vcard": "contact.vcf",
}
