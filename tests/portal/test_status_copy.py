"""The copy of the status page on another host: pushed whole, and honest about its age."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from playwright.sync_api import sync_playwright

from core import current
from core.clock import utc_now
from core.db import acting_as_system
from core.settings import Settings
from portal.console.launch.checks import operations
from portal.console.launch.verdicts import CheckContext
from portal.status import bucket, jobs, snapshot
from tests import browsers
from tests.backups.s3 import SmallS3, served
from tests.people import Browser
from tests.portal.status_scene import open_incident, probe
from tests.portal.test_status import plain_server, read

NOW = utc_now()


@pytest.fixture
def s3() -> Iterator[SmallS3]:
    with served(SmallS3("status", "AKIATEST")) as double:
        yield double


@pytest.fixture
def pushing(app: Flask, s3: SmallS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings: Settings = app.extensions[current.EXTENSION]
    url = f"s3://AKIATEST:a%2Fsecret@status/eu?endpoint={s3.url}&region=eu-central-1"
    changed = msgspec.structs.replace(settings, status_push_url=url, status_dir=str(tmp_path / "status"))
    monkeypatch.setitem(app.extensions, current.EXTENSION, changed)
    return changed


def render(app: Flask) -> None:
    with app.app_context():
        jobs.render_status()


def test_every_file_goes_to_the_bucket_and_the_front_page_last(app: Flask, s3: SmallS3, pushing: Settings) -> None:
    incident_id = open_incident(app)

    render(app)

    names = list(s3.objects)
    assert names[-1] == "eu/index.html"
    assert {f"eu/incident-{incident_id}.html", "eu/status.css", "eu/status.js", "eu/feed.atom"} <= set(names)
    here = pushing.status_path / "index.html"
    assert b"Checks fail" in s3.objects["eu/index.html"]
    assert here.exists()


def test_a_bucket_that_does_not_take_it_stops_nothing_here_and_is_taken_up_again(
    app: Flask, s3: SmallS3, pushing: Settings
) -> None:
    s3.access_key_id = "AKIAOTHER"
    render(app)
    assert (s3.objects, (pushing.status_path / "index.html").exists()) == ({}, True)

    s3.access_key_id = "AKIATEST"
    render(app)

    assert "eu/index.html" in s3.objects


def test_what_is_told_of_a_bucket_has_no_words_of_the_store(s3: SmallS3) -> None:
    with pytest.raises(bucket.BucketTrouble) as told:
        bucket.push(f"s3://AKIAOTHER:secret@status/?endpoint={s3.url}&region=x", [("index.html", b"")])

    assert "AKIA" not in str(told.value)
    assert "STATUS_PUSH_URL accepted only 0 files" in str(told.value)


@pytest.mark.parametrize(("minutes", "is_wrong"), [(14, False), (16, True)], ids=["new", "old"])
def test_the_launch_board_sees_an_old_copy(
    app: Flask, s3: SmallS3, pushing: Settings, minutes: int, *, is_wrong: bool
) -> None:
    render(app)
    now = datetime(2026, 11, 22, 2, 0, tzinfo=NOW.tzinfo) + timedelta(
        minutes=minutes
    )  # when the double says it was put

    found = operations._pushed(CheckContext(pushing, now))

    assert (found is not None) == is_wrong


def test_the_launch_board_sees_a_copy_that_never_was_and_a_bucket_that_refuses(
    app: Flask, s3: SmallS3, pushing: Settings
) -> None:
    never = operations._pushed(CheckContext(pushing, NOW))
    s3.access_key_id = "AKIAOTHER"
    refused = operations._pushed(CheckContext(pushing, NOW))

    assert never is not None
    assert refused is not None
    assert ("pushed never" in never.seen, "does not respond" in refused.seen) == (True, True)


def test_where_probes_have_stopped_the_page_says_since_when(app: Flask, nobody: Browser) -> None:
    probe(app, "...", until=NOW - timedelta(hours=2))

    page = nobody.get("/status").text

    assert f"Not measured since {NOW - timedelta(hours=2):%-d %b %Y, %H:%M} UTC" in page
    assert "operational" not in page.partition("Components")[0].lower()


def test_a_reader_of_an_old_copy_is_told_and_one_of_a_new_copy_is_not(app: Flask, tmp_path: Path) -> None:
    """In a browser, since the file itself cannot know how late it is."""
    probe(app, "...", until=NOW)
    with app.app_context(), acting_as_system():
        snapshot.render(tmp_path, base_url="https://app.example", now=NOW)

    with plain_server(tmp_path) as url, sync_playwright() as playwright:
        assert "Not measured since" in read(f"{url}/index.html")
        browser = playwright.chromium.launch(executable_path=browsers.program(), args=browsers.FLAGS)
        seen = []
        for later in (timedelta(minutes=14), timedelta(minutes=16)):
            page = browser.new_page()
            page.clock.set_fixed_time(NOW + later)
            page.goto(f"{url}/index.html")
            seen.append((page.locator("#not-measured").is_visible(), page.locator("#verdict").is_visible()))
        browser.close()

    assert seen == [(False, True), (True, False)]
