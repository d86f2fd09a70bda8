"""Files that are made while they are sent, so that a long one grows no memory."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from flask import Response, request, stream_with_context

from core import replica
from core.db import acting_for, db
from core.serving import TURN

_GZIP = 31
"""Of zlib's ways to wrap what it compresses."""


def streamed(
    organization_id: UUID, pieces: Callable[[], Iterable[bytes]], *, content_type: str, file_name: str
) -> Response:
    """`pieces` runs in the organization's scope, which the request itself has left by then.

    An organization has half of a process's places for downloads at a time, whoever of it asks.
    """
    request.environ[TURN] = organization_id

    def in_scope() -> Iterator[bytes]:
        with acting_for(organization_id), replica.reading():
            yield from pieces()
        db.session.rollback()

    headers = {"Content-Disposition": f'attachment; filename="{file_name}"', "Vary": "Accept-Encoding"}
    body = in_scope()
    if request.accept_encodings.quality("gzip") > 0:
        headers["Content-Encoding"] = "gzip"
        body = gzipped(body)
    return Response(stream_with_context(body), content_type=content_type, headers=headers)


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Compressed as it goes, at the level that costs least time: most of the gain is in the first."""
    compressor = zlib.compressobj(level=1, wbits=_GZIP)
    for piece in pieces:
        if compressed := compressor.compress(piece):
            yield compressed
    yield compressor.flush()


def leaves_with_body() -> bool:
    """Whether the file itself is asked for. HEAD asks for its headers only: nobody has taken anything away."""
    return request.method != "HEAD"
