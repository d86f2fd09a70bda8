"""Machines that serve: what they report, what operators see, and what is refused when a disk is read elsewhere."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

from api.machines import services, spools
from api.machines.reporter import MachineReporter
from api.machines.spools import WaitingRows
from api.recording.spool import Spool
from core.clock import utc_now
from core.db import acting_as_system, transaction
from tests.people import Person, person

EMPTY = WaitingRows(0, 0, None, 0)
ROW = b'{"id":"1","decided_at":"2026-05-03T10:02:00Z","model":"m"}'


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Three rows in the spool, and one that the database refused."""
    spool = Spool(tmp_path / "spool", max_bytes=1_000_000)
    spool.append([ROW] * 3, to_disk=False)
    spool.quarantine(ROW)
    return tmp_path


def test_rows_on_the_disk_are_counted(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = spools.waiting_rows(disk)
    monkeypatch.setattr(spools, "MOST_BYTES_READ", 10)
    reckoned = spools.waiting_rows(disk)

    assert (counted.rows, counted.bytes, counted.quarantined) == (3, 3 * len(ROW) + 3, 1)
    assert counted.oldest_at is not None
    assert f"{counted.oldest_at:%H:%M}" == "10:02"
    assert reckoned == counted


def test_a_folder_that_is_emptied_while_it_is_counted_hides_no_other(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.iterdir

    def with_one_that_is_gone(path: Path) -> Iterator[Path]:
        yield path / "gone"
        yield from real(path)

    monkeypatch.setattr(
        Path, "iterdir", lambda path: with_one_that_is_gone(path) if path.name == "spool" else real(path)
    )

    assert spools.waiting_rows(disk).rows == 3


def test_a_disk_keeps_its_id(tmp_path: Path) -> None:
    assert spools.known_machine_id(tmp_path) is None

    first = spools.machine_id(tmp_path)

    assert (spools.machine_id(tmp_path), spools.known_machine_id(tmp_path)) == (first, first)
    assert [path.name for path in tmp_path.iterdir()] == ["machine-id"]


def test_a_machine_reports_its_disk(app: Flask, disk: Path) -> None:
    MachineReporter(app.app_context, disk).flush()

    with app.app_context(), acting_as_system():
        [machine] = services.every_machine(now=utc_now())
        [later] = services.every_machine(now=utc_now() + timedelta(minutes=2))
    assert (machine.waiting, machine.is_silent, machine.is_well) == (spools.waiting_rows(disk), False, False)
    assert (later.is_silent, later.is_well) == (True, False)


def test_a_machine_that_left_nothing_is_forgotten_in_a_week(app: Flask) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        services.report(uuid4(), "empty", EMPTY, now=now - timedelta(days=8))
        services.report(uuid4(), "full", WaitingRows(7, 700, now, 0), now=now - timedelta(days=8))
        services.report(uuid4(), "new", EMPTY, now=now)

        assert [machine.name for machine in services.every_machine(now=now)] == ["full", "new"]


def test_operators_see_which_machine_holds_how_much(app: Flask) -> None:
    operator: Person = person(app, "Olga", is_operator=True)
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        services.report(uuid4(), "web-b", WaitingRows(1234, 99, now, 0), now=now - timedelta(minutes=5))

    page = operator.get("/console").text
    listed = app.test_cli_runner().invoke(args=["machines", "list"]).output

    assert "web-b" in page
    assert "1,234" in page
    assert "silent" in page
    assert "needs attention" in page
    assert "web-b  1234 decisions waiting  silent since" in listed


@pytest.mark.parametrize("name", ["nowhere", "own"])
def test_what_is_no_disk_of_another_machine_is_refused(app: Flask, tmp_path: Path, name: str) -> None:
    own = Path(app.extensions["settings"].data_dir)
    (own / "spool").mkdir(exist_ok=True)

    done = app.test_cli_runner().invoke(args=["machines", "replay", str(own if name == "own" else tmp_path)])

    assert done.exit_code == 1
    assert ("This is the spool of this machine" if name == "own" else "There is no spool in this folder") in done.output
