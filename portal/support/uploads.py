"""Files that come with a message: which kinds, how large, and what they really are."""

from collections.abc import Iterable
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import IO, Protocol

import msgspec
import puremagic

from core.errors import AppError
from portal.support.alphabets import plain_text

MOST_FILES = 5
MOST_BYTES_EACH = 5_000_000
MOST_BYTES = 12_000_000
"""Of a whole form, with its text."""

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})
TEXT = "text/plain"
KINDS = "PNG, JPEG, GIF, WebP, PDF or plain text"
_LONGEST_NAME = 120


class FileRefused(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "file_refused", "This file cannot be uploaded"
    advice = f"Send up to {MOST_FILES} files of up to {MOST_BYTES_EACH // 1_000_000} MB each: {KINDS}."


class Upload(msgspec.Struct, frozen=True):
    name: str
    content_type: str
    content: bytes


class Given(Protocol):
    """A file as a form brings it."""

    filename: str | None
    stream: IO[bytes]


def accept_all(given: Iterable[Given]) -> tuple[Upload, ...]:
    """Those that have a name; a browser sends an empty one where none was chosen. Raises FileRefused."""
    named = [one for one in given if one.filename]
    if len(named) > MOST_FILES:
        raise FileRefused(f"You selected {len(named)} files. {FileRefused.advice}")
    return tuple(accept(one.filename or "", one.stream.read(MOST_BYTES_EACH + 1)) for one in named)


def accept(name: str, content: bytes) -> Upload:
    """Raises FileRefused. What a file is, its content says, not its name."""
    shown = _safe_name(name)
    if len(content) > MOST_BYTES_EACH:
        raise FileRefused(f"{shown} is larger than {MOST_BYTES_EACH // 1_000_000} MB. {FileRefused.advice}")
    kind = _kind_of(content)
    if kind is None:
        raise FileRefused(f"{shown} is empty or not a supported file type. {FileRefused.advice}")
    return Upload(shown, kind, content)


def _kind_of(content: bytes) -> str | None:
    try:
        kind = puremagic.from_string(content, mime=True)
    except (puremagic.PureError, ValueError):
        kind = ""
    if kind in PICTURES:
        return str(kind)
    return TEXT if content and plain_text(content) is not None else None


def _safe_name(name: str) -> str:
    """The last part of a path, in one line, with nothing that a header or a page could trip over."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(letter if letter.isprintable() and letter not in '"<>;' else "_" for letter in last)
    return kept[-_LONGEST_NAME:] or "file"
