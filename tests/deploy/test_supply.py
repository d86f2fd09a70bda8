"""What the software is made of, and that nothing of it can be changed from outside unseen."""

import json
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from api.keys.token import KeyEnvironment, issue_token
from deploy import images, sbom
from tests import secret_scan
from tests.databases import ROOT

PINNED = f"python:3.11@sha256:{'0123456789abcdef' * 4}"


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    assert sbom.fits(sbom.LOCK.read_text(), sbom.BILL.read_text())


@pytest.mark.parametrize(
    "change",
    [("flask==", "flask==0."), ("werkzeug==", "another=="), ("--hash=sha256:", "--hash=sha256:" + "0" * 64 + " ")],
)
def test_a_lock_that_changed_does_not_fit(change: tuple[str, str]) -> None:
    assert not sbom.fits(sbom.LOCK.read_text().replace(*change), sbom.BILL.read_text())


def test_the_bill_of_materials_is_valid_cyclonedx() -> None:
    schemas = files("cyclonedx.schema") / "_res"

    def retrieve(url: str) -> Any:
        return json.loads((schemas / url.rpartition("/")[2]).read_text())

    validator = jsonschema_rs.validator_for(retrieve("bom-1.6.SNAPSHOT.schema.json"), retriever=retrieve)

    assert [str(error) for error in validator.iter_errors(json.loads(sbom.BILL.read_text()))] == []


def test_every_part_states_its_license_or_is_known_not_to() -> None:
    silent = [one["name"] for one in json.loads(sbom.BILL.read_text())["components"] if not one["licenses"]]

    assert silent == ["pyrage"]  # MIT, by its repository


def test_a_security_officer_finds_the_bill_where_the_standard_says(app: Flask) -> None:
    answer = app.test_client().get("/.well-known/sbom")

    assert answer.content_type == "application/vnd.cyclonedx+json; version=1.6"
    assert answer.data == sbom.BILL.read_bytes()


def test_every_image_is_pinned_or_listed_with_a_reason() -> None:
    assert images.main([]) == 0
    assert all(images.UNPINNED.values())


def test_the_list_of_images_without_digest_names_none_that_has_one() -> None:
    text = "".join((ROOT / "deploy" / name).read_text() for name in images.FILES)

    assert [image for image in images.UNPINNED if f"{image}@" in text or image not in text] == []


@pytest.mark.parametrize(
    "line",
    [
        *("FROM python:3.12", "FROM --platform=linux/amd64 python:3.12 AS wheels", "    image: redis:latest"),
        *("image: 'redis'", f"FROM {PINNED[:-1]}", "      url: docker://evil/image:1"),
    ],
)
def test_an_image_by_its_tag_is_refused(line: str) -> None:
    assert len(list(images.faults_of("compose.yaml", line))) == 1


@pytest.mark.parametrize(
    "line", [f"FROM {PINNED}", f"    image: {PINNED} # why", "FROM x@sha256:" + "a" * 64 + " AS w\nFROM w"]
)
def test_an_image_by_its_digest_is_taken(line: str) -> None:
    assert list(images.faults_of("Dockerfile", line)) == []


def test_the_command_writes_the_digest_that_the_registry_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho sha256:" + "b" * 64 + "\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    pinned = images.pin((ROOT / "deploy" / "compose.yaml").read_text(), images.digest_of)

    assert f"image: postgres:18-trixie@sha256:{'b' * 64}\n" in pinned
    assert "image: ${IMAGE:-ai-governance}\n" in pinned
    assert images.pin(pinned, images.digest_of) == pinned


def test_a_key_that_was_committed_is_found_and_not_repeated(tmp_path: Path) -> None:
    kind = "PRIVATE " + "KEY"
    planted = {
        "ours.md": f"curl -H 'Authorization: Bearer {issue_token(KeyEnvironment.LIVE).secret}'",
        "aws.py": "aws = 'AKIA" + "Q4ZJ7TPM2XVW8KCB'",
        "stripe.yaml": f"key: sk_live_{token_hex(12)}",
        "database.env": "DATABASE_URL=postgresql://aig:" + "tR7vKq29LmXw@db.acme-pilot.eu/aig",
        "pem.txt": f"-----BEGIN RSA {kind}-----\n{token_hex(32)}\n{token_hex(32)}\n-----END RSA {kind}-----",
        "settings.py": f"SECRET = '{token_hex(32)}'",
    }
    for name, line in planted.items():
        (tmp_path / name).write_text(f"{line}\n")

    found = secret_scan.unknown(secret_scan.found_in(tmp_path, list(planted)))

    assert {one.file for one in found} == set(planted)
    assert "tR7vKq29LmXw" not in str(found)


def test_a_sample_that_is_known_is_no_secret_wherever_it_stands(tmp_path: Path) -> None:
    for name in ("production.py", "moved.py"):
        (tmp_path / name).write_text((ROOT / "tests" / "core" / "production.py").read_text())

    assert secret_scan.unknown(secret_scan.found_in(tmp_path, ["production.py", "moved.py"])) == []


def test_every_check_looks_for_secrets_and_compares_the_bill_and_the_images() -> None:
    makefile = (ROOT / "Makefile").read_text()
    check = makefile[makefile.index("\ncheck:") : makefile.index("\nformat:")]

    assert "-m tests.secret_scan\n" in check
    assert "-m deploy.sbom --check\n" in check
    assert "-m deploy.images\n" in check
