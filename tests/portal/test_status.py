"""The status page: what it shows to whom, feeds, mail, and the copy that outlives the application."""

import http.server
import json
import re
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from xml.etree import ElementTree as ET

import msgspec
import psycopg
import pytest
from flask import Flask

from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import run_worker
from core.throttle import limiter
from portal.status import emails, incidents, prober, probes, snapshot, subscribers
from portal.status.jobs import probe_ourselves, render_status
from portal.status.states import Component, ComponentState
from tests.cast import Caller, Member
from tests.people import Browser, Person, link_in, mails_to, words_of
from tests.portal.status_scene import INCIDENT, open_incident, probe, say, subscribe, trail
from tests.services import Service

ATOM = "{http://www.w3.org/2005/Atom}"
PAGES = ("/status", "/status/history", "/status/feed.atom", "/status/feed.json", "/status/api.json")


@pytest.mark.parametrize("path", PAGES)
def test_the_page_may_be_kept_and_sets_no_cookie(app: Flask, nobody: Browser, path: str) -> None:
    open_incident(app)

    answer = nobody.get(path)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=30, stale-if-error=86400"
    assert "Set-Cookie" not in answer.headers
    assert "csrf_token" not in answer.text


def test_what_is_shown_to_members_is_never_kept(owner: Person) -> None:
    answer = owner.get("/status")

    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]


def test_without_probes_the_page_says_that_nothing_is_measured(nobody: Browser) -> None:
    page = nobody.get("/status").text

    assert "No current monitoring data" in page
    assert "No data yet" in page
    found = nobody.get("/status/api.json").json
    assert found["status"]["indicator"] == "unknown"
    assert (found["components"][0]["status"], found["components"][0]["is_detected_automatically"]) == (None, False)


def test_uptime_is_that_of_the_probes(app: Flask, nobody: Browser) -> None:
    marks, until = "...x......", utc_now()
    days = len({(until - timedelta(minutes=back)).date() for back in range(len(marks))})
    probe(app, marks, until=until)

    found = nobody.get("/status/api.json").json["components"][0]

    assert (found["status"], found["uptime_90_days_percent"], found["days_measured"]) == ("operational", 90.0, days)
    assert f"90.000% uptime, measured on {days} of 90 days" in nobody.get("/status").text


def test_a_stop_of_the_service_caps_its_uptime(app: Flask, nobody: Browser) -> None:
    now = utc_now()
    probe(app, "...", until=now - timedelta(minutes=7))
    probe(app, ".....", until=now)

    found = nobody.get("/status/api.json").json["components"][0]

    assert (found["uptime_90_days_percent"], found["minutes_unknown"]) == (80.0, 2)
    assert "without a measurement, not counted as uptime" in nobody.get("/status").text


def test_three_failures_in_a_row_are_an_outage_that_was_detected(app: Flask, nobody: Browser) -> None:
    probe(app, "..xxxx")

    page = nobody.get("/status").text

    assert "detected automatically" in page
    assert "Major outage" in page
    assert trail(app, "probe") == ["probe.failing"]


def test_a_second_failing_after_a_recovery_is_told_again(app: Flask) -> None:
    probe(app, "xxx.xxx")

    assert trail(app, "probe") == ["probe.failing", "probe.failing"]


def test_the_same_probe_counts_once(app: Flask, nobody: Browser) -> None:
    now = utc_now()
    probe(app, ".", until=now)
    probe(app, "x", until=now)

    assert nobody.get("/status/api.json").json["components"][0]["uptime_90_days_percent"] == 100


def test_what_a_person_says_and_what_probes_find_the_worse_is_shown(app: Flask, nobody: Browser) -> None:
    probe(app, "......")
    open_incident(app)

    found = nobody.get("/status/api.json").json

    assert found["status"]["indicator"] == "critical"
    assert found["components"][0]["status"] == "major_outage"
    assert found["components"][0]["is_detected_automatically"] is False
    assert found["incidents"][0]["incident_updates"][0]["body"] == "We are looking into it."


def test_an_incident_that_is_not_public_is_nowhere(app: Flask, nobody: Browser, owner: Person) -> None:
    hidden = open_incident(app, title="Hidden trouble", is_public=False)

    for path in PAGES:
        assert "Hidden trouble" not in nobody.get(path).text
    assert nobody.get(f"/status/incidents/{hidden}").status_code == 404
    assert "Hidden trouble" not in owner.get("/keys").text


def test_every_page_of_the_portal_tells_of_an_open_incident(app: Flask, owner: Person) -> None:
    assert "Ongoing incident" not in owner.get("/keys").text

    open_incident(app)
    open_incident(app, components={})

    page = owner.get("/keys").text
    assert "Ongoing incident: Checks fail." in page
    assert "Checks are not affected" not in page

    open_incident(app, components={Component.PORTAL: ComponentState.DEGRADED})

    assert "Checks are not affected" in owner.get("/keys").text


def test_the_feeds_have_every_update_with_an_id_that_stays(app: Flask, nobody: Browser, operator: Person) -> None:
    incident_id = open_incident(app)
    say(operator, app, incident_id, body="A <b>disk</b> & more.")

    feed = ET.fromstring(nobody.get("/status/feed.atom").data)  # noqa: S314  our own
    items = nobody.get("/status/feed.json").json

    assert [entry.findtext(f"{ATOM}content") for entry in feed.iter(f"{ATOM}entry")] == [
        "A <b>disk</b> & more.",
        "We are looking into it.",
    ]
    assert items["version"] == "https://jsonfeed.org/version/1.1"
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")]
    assert [item["id"] for item in items["items"]] == ids


class TestSubscribing:
    def test_mail_comes_only_after_a_button_was_pressed(self, app: Flask, nobody: Browser) -> None:
        nobody.post("/status/subscribe", email="Reader@Mail.Example")
        link = link_in(mails_to(app, "reader@mail.example")[0])

        assert nobody.get(link).status_code == 200
        open_incident(app)
        deliver(app)
        assert len(mails_to(app, "reader@mail.example")) == 1

        assert nobody.post(f"{link}/confirm").status_code == 303
        open_incident(app, title="Another one")
        deliver(app)
        assert [mail.subject for mail in mails_to(app, "reader@mail.example")[1:]] == ["[Investigating] Another one"]

    def test_nobody_learns_who_is_subscribed(self, app: Flask, nobody: Browser) -> None:
        subscribe(app, "known@mail.example")

        known = nobody.post("/status/subscribe", email="known@mail.example")
        unknown = nobody.post("/status/subscribe", email="unknown@mail.example")

        assert known.status_code == unknown.status_code == 200
        assert words_of(known, but="known@mail.example") == words_of(unknown, but="unknown@mail.example")

    def test_a_bad_address_is_told_at_its_field(self, nobody: Browser) -> None:
        answer = nobody.post("/status/subscribe", email="nonsense")

        assert answer.status_code == 422
        assert "Enter an email address" in answer.text

    def test_one_post_from_a_mail_program_ends_it(self, app: Flask, nobody: Browser) -> None:
        secret = subscribe(app, "reader@mail.example")
        open_incident(app)
        deliver(app)
        url = mails_to(app, "reader@mail.example")[-1].unsubscribe_url
        assert url is not None
        assert url.endswith(f"/status/unsubscribe/{secret}")

        one_click = {"List-Unsubscribe": "One-Click"}
        assert nobody.get(f"/status/unsubscribe/{secret}").status_code == 303  # a scanner that opens it ends nothing
        assert nobody.client.post(f"/status/unsubscribe/{secret}", data=one_click).status_code == 200
        assert nobody.client.post(f"/status/unsubscribe/{secret}", data=one_click).status_code == 200

        assert nobody.get(f"/status/subscriptions/{secret}").status_code == 404

    def test_a_link_dies_when_it_is_not_used(self, app: Flask) -> None:
        later = utc_now() + timedelta(days=4)
        with app.app_context(), acting_as_system(), transaction():
            subscribers.ask("reader@mail.example", now=utc_now())
            subscribers.forget_unconfirmed(now=later)

            assert subscribers.count_confirmed() == 0
            with pytest.raises(subscribers.SubscriptionUnknown):
                subscribers.find("nothing")

    def test_one_address_is_not_flooded(self, nobody: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limiter, "enabled", True)

        answers = [nobody.post("/status/subscribe", email="victim@mail.example").status_code for _ in range(4)]

        assert answers == [200, 200, 200, 429]

    def test_an_update_is_mailed_once_however_often_its_job_runs(self, app: Flask) -> None:
        subscribe(app, "reader@mail.example")
        open_incident(app)

        deliver(app)
        deliver(app)

        assert len(mails_to(app, "reader@mail.example")) == 2


def deliver(app: Flask) -> None:
    """Runs the jobs of every update that there is, as the worker does."""
    with app.app_context(), acting_as_system():
        said = [update.id for one in incidents.list_page() for update in incidents.updates_of(one.id)]
    with app.app_context():
        for update_id in said:
            emails.mail_incident_update(str(update_id))


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Path:
    return tmp_path / "status"


def render(app: Flask, folder: Path) -> int:
    with app.app_context(), acting_as_system():
        return snapshot.render(folder, base_url="https://app.example", now=utc_now())


def test_what_xml_cannot_hold_is_refused_at_the_form_and_breaks_no_feed(
    app: Flask, operator: Person, nobody: Browser
) -> None:
    refused = operator.post("/console/incidents", **INCIDENT | {"body": "Checks\x0b fail"})
    open_incident(app, title="Checks\x1b fail", body="We\x0b are\ufffe looking \x08into it.")

    feed = ET.fromstring(nobody.get("/status/feed.atom").data)  # noqa: S314  our own

    assert (refused.status_code, "control characters" in refused.text) == (422, True)
    assert "We are looking into it." in {text.strip() for text in feed.itertext()}


def test_the_files_lead_to_each_other_and_to_nothing_else(app: Flask, folder: Path) -> None:
    incident_id = open_incident(app)
    render(app, folder)

    page = (folder / "index.html").read_text()
    for name in (f"incident-{incident_id}.html", "history.html", "feed.atom", "feed.json", "status.json", "status.css"):
        assert (folder / name).exists()
        assert f'"{name}"' in page
    assert re.findall(r"<script[^>]*>", page) == ['<script src="status.js">']
    assert "csrf" not in page
    assert not list(folder.glob(".*"))


def test_a_file_is_the_old_one_or_the_new_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    snapshot.write_whole(folder / "index.html", b"old")

    def fail(_number: int) -> None:
        raise OSError("The disk is full.")

    monkeypatch.setattr("portal.status.snapshot.os.fsync", fail)
    with pytest.raises(OSError, match="full"):
        snapshot.write_whole(folder / "index.html", b"new")

    assert (folder / "index.html").read_bytes() == b"old"
    assert [file.name for file in folder.iterdir()] == ["index.html"]


def test_every_change_leaves_a_job_that_renders(live_app: Flask, live_url: str) -> None:
    open_incident(live_app)

    assert waiting(live_url, render_status.name) == 1


def waiting(url: str, task: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = %s AND status = 'todo'", [task]
        ).fetchone()
        return int(row[0]) if row else 0


def test_the_page_is_read_with_the_application_stopped(
    live_url: str, tmp_path: Path, live_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probed and rendered by the worker's own jobs, then read from a plain web server when nothing of ours runs."""
    service = Service({"DATABASE_URL": live_url, "DATA_DIR": str(tmp_path)})
    settings = msgspec.structs.replace(live_app.extensions["settings"], probe_url=service.url)
    monkeypatch.setitem(live_app.extensions, "settings", settings)
    service.start()
    try:
        with live_app.app_context():
            probe_ourselves(timestamp=0)
        incident_id = open_incident(live_app)
        run_worker(live_app, until_done=True)
    finally:
        service.stop()
    with pytest.raises(OSError, match="refused"):
        read(f"{service.url}/status")

    with plain_server(tmp_path / "status") as url:
        page = read(f"{url}/index.html")
        assert "Checks fail" in page
        assert page.count("100.000% uptime") == len(Component)
        assert "We are looking into it." in read(f"{url}/incident-{incident_id}.html")
        assert json.loads(read(f"{url}/status.json"))["components"][0]["status"] == "major_outage"


class plain_server:  # noqa: N801  reads as a function
    """Any web server: it knows files, and nothing of us."""

    def __init__(self, folder: Path) -> None:
        handler = partial(_Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def read(url: str) -> str:
    with urlopen(url, timeout=5) as answer:  # noqa: S310  on this machine
        return str(answer.read().decode())


def test_probes_are_billed_to_nobody_and_counted_for_nobody(app: Flask, ada: Member, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        secret = probes.secret_for_probes(secret_key="a" * 32, now=utc_now())
        again = probes.secret_for_probes(secret_key="a" * 32, now=utc_now())
        other = probes.secret_for_probes(secret_key="b" * 32, now=utc_now())

    answer = Caller(app.test_client(), other).check()

    assert again == secret
    assert other != secret
    assert secret.startswith("aig_test_")
    assert answer.status_code == 200
    assert "status-probe" not in owner.get("/decisions").text
    assert Caller(app.test_client(), secret).check().json["code"] == "revoked_api_key"


def test_a_probe_that_is_not_answered_says_why(app: Flask) -> None:
    found = list(prober.run("http://127.0.0.1:9", "aig_test_nothing", now=utc_now()))

    assert {one.failure for one in found} == {"not reachable"}


def test_a_message_that_waits_too_long_is_an_outage_of_messages(app: Flask) -> None:
    with app.app_context(), acting_as_system():
        now = utc_now()
        assert probes.sample_of_messages(now=now).is_ok
        open_incident(app)  # leaves jobs that nobody carries out

        waits = probes.sample_of_messages(now=utc_now() + timedelta(minutes=20))

    assert (waits.is_ok, waits.failure) == (False, "waiting")


def test_the_metrics_tell_of_probes_and_incidents(app: Flask, nobody: Browser) -> None:
    probe(app, "..x")
    open_incident(app)

    page = nobody.get("/metrics", headers={"Authorization": "Bearer a-token-for-metrics"}).text

    assert 'aig_probe_failures_in_a_row{component="check_api"} 1.0' in page
    assert 'aig_incidents_open{impact="critical"} 1.0' in page
    assert "aig_probe_last_success_timestamp_seconds 1." in page
