"""The load test: which loads, what counts as borne, and a short run against the real service."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from deploy.load_test import __main__ as load_test
from deploy.load_test.keys import KeysRefused, read
from deploy.load_test.profiles import PROFILES, Kind, Stage, StageResult, Verdict, judge, meets_launch
from deploy.load_test.run import questions_of
from tests.databases import ROOT
from tests.services import Service


def result(*, errors: float = 0, p95_ms: float = 100, p99_ms: float = 200, answers: int = 100_000) -> StageResult:
    failed = {"status 503": round(answers * errors / (1 - errors))} if errors else {}
    return StageResult(
        users=1,
        rate_per_s=1,
        seconds=1,
        answers=answers,
        errors=failed,
        p50_ms=1,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        longest_ms=1,
        tool_late_p99_ms=0,
    )


@pytest.mark.parametrize(
    ("measured", "growth", "verdict"),
    [
        (result(), None, Verdict.PASS),
        (result(errors=0.0049, p95_ms=300, p99_ms=800), 0.10, Verdict.PASS),
        (result(errors=0.006), None, Verdict.CAUTION),
        (result(p95_ms=301), None, Verdict.CAUTION),
        (result(p99_ms=801), None, Verdict.CAUTION),
        (result(), 0.11, Verdict.CAUTION),
        (result(errors=0.021), None, Verdict.FAIL),
        (result(p95_ms=2_001, p99_ms=2_001), None, Verdict.FAIL),
        (result(errors=0.021), 0.11, Verdict.FAIL),
        (result(answers=0), None, Verdict.FAIL),
    ],
)
def test_a_load_is_judged_by_the_table(measured: StageResult, growth: float | None, verdict: Verdict) -> None:
    found, reasons = judge(PROFILES["launch"], [measured], growth)

    assert found is verdict
    assert bool(reasons) is (verdict is not Verdict.PASS)


@pytest.mark.parametrize(("errors", "verdict"), [(0.009, Verdict.PASS), (0.011, Verdict.FAIL)])
def test_under_stress_only_errors_count_by_stage(errors: float, verdict: Verdict) -> None:
    slow = [result(errors=errors, p95_ms=3_000)] + [result(p95_ms=3_000)] * 3

    assert judge(PROFILES["stress"], slow, None)[0] is verdict


@pytest.mark.parametrize(
    ("measured", "is_met"),
    [(result(errors=0.009, p95_ms=499), True), (result(errors=0.011), False), (result(p95_ms=500), False)],
)
def test_the_goal_for_going_live_is_half_a_second_and_one_per_cent(measured: StageResult, is_met: bool) -> None:
    assert meets_launch([measured]) is is_met


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("launch", [(1_000, 300)]),
        ("normal", [(40, 60)]),
        ("burst", [(1_000, 10)]),
        ("stress", [(200, 10), (400, 10), (800, 10), (2_000, 10)]),
        ("soak", [(200, 3_600)]),
    ],
)
def test_the_loads_are_those_that_were_asked_for_over_enough_keys(name: str, load: list[tuple[int, int]]) -> None:
    profile = PROFILES[name]

    assert [(stage.rate_per_s, stage.seconds) for stage in profile.stages] == load
    assert profile.keys_needed >= 600
    assert all(stage.rate_per_s * min(60, stage.seconds) <= profile.keys_needed * 100 for stage in profile.stages)


def test_the_mix_of_the_normal_load_is_spread_over_the_turn() -> None:
    questions = questions_of(PROFILES["normal"], "http://here", ["a-key"], metrics_token="a-token")

    paths = [question.raw.split()[1] for question in questions]
    assert len(questions) == 20
    assert (paths.count(b"/metrics"), paths.count(b"/health/ready"), paths.count(b"/v1/check")) == (1, 1, 18)
    assert sum(question.status == b"401" for question in questions) == 2
    assert sum(b'"contains_personal_data":true' in question.raw for question in questions) == 8


def test_another_machine_needs_a_file_of_keys(capsys: pytest.CaptureFixture[str]) -> None:
    code = load_test.main(["burst", "--url", "https://governance.acme-pilot.eu"])

    assert code == 2
    assert "--key-file" in capsys.readouterr().err


def test_a_file_of_keys_that_is_none_names_the_line_and_not_the_key(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("aig_test_nonsense\n")

    with pytest.raises(KeysRefused, match="line 1") as refused:
        read(file)

    assert "nonsense" not in str(refused.value)


def test_no_run_is_longer_than_its_profile_or_above_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = msgspec.structs.replace(PROFILES["soak"], stages=(Stage(50, 1_000, 100_000),))
    monkeypatch.setitem(PROFILES, "soak", endless)

    with pytest.raises(SystemExit, match="1,000,000"):
        load_test.main(["soak"])


@pytest.fixture
def service(live_url: str, tmp_path: Path) -> Iterator[Service]:
    service = Service({"DATABASE_URL": live_url, "DATA_DIR": str(tmp_path)})
    service.start()
    yield service
    service.stop()


def test_a_short_run_asks_the_real_service_and_leaves_evidence(service: Service, live_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.load_test", "normal", "--url", service.url, "--seconds", "3"]
    command += ["--pid", str(service.pid)]

    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": live_url, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Written to" in done.stdout, done.stderr
    evidence = msgspec.json.decode((tmp_path / "evidence" / "load.json").read_bytes())["normal"]
    assert evidence["is_shortened"] is True
    assert evidence["stages"][0]["answers"] == 120
    assert evidence["stages"][0]["errors"] == {}
    assert evidence["keys"] == 600
    with psycopg.connect(live_url) as connection:
        left = connection.execute("SELECT count(*) FROM api_key WHERE revoked_at IS NULL").fetchone()
        rows = connection.execute("SELECT count(*) FROM decision").fetchone()
    assert left == (0,)
    assert rows == (600 + 120 * 16 // 20,)
    assert Kind.CHECK.value not in done.stderr
