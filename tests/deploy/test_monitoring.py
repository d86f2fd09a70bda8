"""Where what watches the service runs: the second blueprint, and Prometheus as its image starts it."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.databases import ROOT

DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    blueprint = yaml.safe_load((DEPLOY / "render-monitoring.yaml").read_text())
    return {service["name"]: service for service in blueprint["services"]}


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(DEPLOY / "prometheus" / "start.sh")],
        env={
            "PATH": "/usr/bin:/bin",
            "PROMETHEUS_FROM": str(DEPLOY / "prometheus"),
            "PROMETHEUS_RUN": str(folder / "run"),
            "PROMETHEUS_PROGRAM": "echo",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_prometheus_starts_with_the_token_and_the_address_of_this_installation(tmp_path: Path) -> None:
    done = start(tmp_path, METRICS_TARGET="governance-web:9464", METRICS_TOKEN="of-this-test")

    assert done.returncode == 0
    assert f"--config.file={tmp_path}/run/prometheus.yml" in done.stdout
    token = tmp_path / "run" / "metrics-token"
    assert (token.read_text(), token.stat().st_mode & 0o077) == ("of-this-test", 0)
    config = yaml.safe_load((tmp_path / "run" / "prometheus.yml").read_text())
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": ["governance-web:9464"]}]


def test_what_it_starts_with_is_valid(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: put it on the PATH (Debian: apt-get install prometheus).")
    start(tmp_path, METRICS_TARGET="governance-web:9464", METRICS_TOKEN="of-this-test")

    command = [promtool, "check", "config", str(tmp_path / "run" / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout


@pytest.mark.parametrize("missing", ["METRICS_TARGET", "METRICS_TOKEN"])
def test_it_does_not_start_without_either(tmp_path: Path, missing: str) -> None:
    given = {"METRICS_TARGET": "governance-web:9464", "METRICS_TOKEN": "of-this-test"}

    done = start(tmp_path, **{name: value for name, value in given.items() if name != missing})

    assert (done.returncode != 0, missing in done.stderr) == (True, True)


def test_the_metrics_stay_in_the_private_network_and_nobody_reads_grafana_without_an_account(
    services: dict[str, Any],
) -> None:
    kinds = {name: service["type"] for name, service in services.items()}
    settings = {one["key"]: one.get("value") for one in services["grafana"]["envVars"]}

    assert kinds == {"prometheus": "pserv", "alertmanager": "pserv", "grafana": "web"}
    assert (settings["GF_AUTH_ANONYMOUS_ENABLED"], settings["GF_USERS_ALLOW_SIGN_UP"]) == ("false", "false")
    assert {service["region"] for service in services.values()} == {"frankfurt"}
    assert all("disk" in service for service in services.values())


def test_its_images_are_those_of_compose_and_what_they_copy_is_there(services: dict[str, Any]) -> None:
    composed = {
        image["image"]
        for image in yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values()
        if "image" in image
    }
    files = [ROOT / service["dockerfilePath"] for service in services.values() if "dockerfilePath" in service]
    lines = [line.split() for file in files for line in file.read_text().splitlines()]

    named = {words[1] for words in lines if words[:1] == ["FROM"]}
    named.add(services["alertmanager"]["image"]["url"].removeprefix("docker.io/"))
    assert named <= composed
    copied = [path for words in lines if words[:1] == ["COPY"] for path in words[1:-1]]
    assert [path for path in copied if not (ROOT / path).exists()] == []
