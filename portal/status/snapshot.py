"""The status page as plain files, so that any web server or bucket shows it while the application is down.

Every file is written beside its place and moved there, so that a reader finds the old one or the new one, whole.
`files` says what there is to show; who has another place for it than a folder takes it from there.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import render_template

from core.pages import FONT, STATIC, STYLES
from core.scope import needs_system_scope
from portal.status import bucket, feeds
from portal.status.board import Board, board, history, planned
from portal.status.labels import WORDS

_STYLE, _LETTERS, _SCRIPT = "status.css", FONT.rpartition("/")[2], "status.js"
STALE_AFTER = timedelta(minutes=15)
"""So old a measurement may be before the copy says that there is none since: three times as long as to the next."""


class StaticLinks:
    """Addresses as files beside each other name each other."""

    home, history = "index.html", "history.html"
    atom, json_feed, summary = "feed.atom", "feed.json", "status.json"

    @staticmethod
    def incident(incident_id: UUID) -> str:
        return f"incident-{incident_id}.html"

    @staticmethod
    def maintenance(maintenance_id: UUID) -> str:
        return f"maintenance-{maintenance_id}.html"


@needs_system_scope
def files(*, base_url: str, now: datetime) -> Iterator[tuple[str, bytes]]:
    """Names and contents; the front page last, when all that it leads to is there."""
    shown, past = board(now=now), history()
    works = planned()
    yield _LETTERS, (STATIC / FONT).read_bytes()
    yield _STYLE, _style()
    yield _SCRIPT, (STATIC / _SCRIPT).read_bytes()
    for view in past:
        yield StaticLinks.incident(view.incident.id), _page("incident", shown, base_url, view=view)
    for work in works:
        yield StaticLinks.maintenance(work.maintenance.id), _page("maintenance", shown, base_url, view=work)
    yield StaticLinks.atom, feeds.atom([*past, *works], base_url=base_url, now=now)
    yield StaticLinks.json_feed, feeds.json_feed([*past, *works], base_url=base_url)
    yield StaticLinks.summary, feeds.summary(shown, base_url=base_url)
    yield StaticLinks.history, _page("history", shown, base_url, incidents=past, maintenances=works)
    yield StaticLinks.home, _page("board", shown, base_url)


def _style() -> bytes:
    """All stylesheets as one file, which finds its font beside it."""
    return b"\n".join((STATIC / name).read_bytes() for name in STYLES).replace(b"/static/vendor/", b"")


@needs_system_scope
def render(folder: Path, *, base_url: str, now: datetime) -> int:
    """Writes every file; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, content in files(base_url=base_url, now=now):
        write_whole(folder / name, content)
        count += 1
    return count


@needs_system_scope
def push(url: str, *, base_url: str, now: datetime) -> int:
    """The same to a bucket on another host; how many files. Raises BucketTrouble."""
    return bucket.push(url, list(files(base_url=base_url, now=now)))


def write_whole(file: Path, content: bytes) -> None:
    """The old file or the new one, whatever happens meanwhile."""
    number, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(number, "wb") as new:
            new.write(content)
            new.flush()
            os.fsync(number)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _page(part: str, shown: Board, base_url: str, **context: Any) -> bytes:
    around: Mapping[str, Any] = {"board": shown, "base_url": base_url, "links": StaticLinks, "part": part, **WORDS}
    around = {**around, "stale_after_s": int(STALE_AFTER.total_seconds())}
    return render_template("portal/status/static.html", **around, **context).encode()
