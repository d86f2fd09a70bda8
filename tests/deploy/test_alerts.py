"""Alerts: each fires when it should, is quiet when it should be, and says what to do."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.databases import ROOT
from tests.deploy.promtool import CASES, PROMETHEUS, RULES, alerts, ask, read

_ASKED = re.compile(r'ALERTS\{alertname="(?P<name>\w+)"(?:, slo="(?P<slo>[\d.]+)")?, alertstate="firing"\}')

Case = tuple[str, str]
"""An alert's name, and the promise that it watches over, if any."""


def case_of(rule: dict[str, Any]) -> Case:
    return rule["alert"], rule["labels"].get("slo", "")


def proven(*, firing: bool) -> set[Case]:
    """The alerts that promtool is told must fire, or must not."""
    found = set()
    for path in CASES:
        for test in read(path)["tests"]:
            for asked in test["promql_expr_test"]:
                match = _ASKED.fullmatch(asked["expr"])
                assert match is not None, asked["expr"]
                if bool(asked["exp_samples"]) is firing:
                    found.add((match["name"], match["slo"] or ""))
    return found


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_quiet_as_they_should(path: Path) -> None:
    answer = ask("test", "rules", path)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_quiet() -> None:
    declared = {case_of(rule) for rule in alerts()}

    assert len(declared) > 20
    assert declared - proven(firing=True) == set()
    assert declared - proven(firing=False) == set()
    assert (proven(firing=True) | proven(firing=False)) - declared == set()


def test_prometheus_takes_the_rules() -> None:
    answer = ask("check", "rules", *RULES)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (folder / "metrics-token").write_text("a token")

    answer = ask("check", "config", folder / "prometheus.yml")

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_prometheus_looks_as_often_as_was_promised() -> None:
    configuration = read(PROMETHEUS / "prometheus.yml")

    assert configuration["global"]["scrape_interval"] == "10s"
    assert configuration["global"]["evaluation_interval"] == "15s"
    assert configuration["scrape_configs"][0]["authorization"]["credentials_file"]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: "-".join(filter(None, case_of(rule))))
def test_an_alert_says_how_urgent_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    assert len(rule["annotations"]["description"]) > 60
    assert (page, anchor) == ("docs/operators/troubleshooting.md", rule["alert"].lower())


def test_every_runbook_is_a_section_of_the_handbook() -> None:
    handbook = ROOT / "docs" / "operators" / "troubleshooting.md"
    if not handbook.exists():
        pytest.skip("The handbook is missing: docs/operators/troubleshooting.md.")
    headings = re.findall(r"^#+ (.+)$", handbook.read_text(), flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert {rule["alert"].lower() for rule in alerts()} - anchors == set()


def test_alertmanager_takes_its_configuration() -> None:
    answer = ask("check-config", PROMETHEUS / "alertmanager.yml", program="amtool", package="prometheus-alertmanager")

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_pages_and_tickets_reach_our_webhook_with_a_token_and_pages_a_pager_too() -> None:
    configuration = read(PROMETHEUS / "alertmanager.yml")

    receivers = {receiver["name"]: receiver for receiver in configuration["receivers"]}
    assert configuration["route"]["receiver"] == "ticket"
    (page,) = [one for one in configuration["route"]["routes"] if one["receiver"] == "page"]
    assert page["matchers"] == ['severity="page"']
    for receiver in receivers.values():
        (webhook,) = receiver["webhook_configs"]
        assert webhook["url"].endswith("/webhooks/alertmanager")
        assert webhook["http_config"]["authorization"]["type"] == "Bearer"
        assert bool(receiver.get("email_configs")) is (receiver["name"] != "launch-board")
    assert receivers["page"]["pagerduty_configs"]
