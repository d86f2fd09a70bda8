"""`python -m deploy.sbom`: writes the bill of materials of what runs (CycloneDX) from the lock; `--check` compares.

It names every pinned package that an image on Linux installs, with the hashes it may have and the license it states.
The same lock gives the same file, so that a difference means something.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, distribution
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCK, BILL = ROOT / "requirements.txt", ROOT / "docs" / "sbom.cdx.json"

_IMAGE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_version": "3.11",
    "python_full_version": "3.11.14",
    "sys_platform": "linux",
}
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LONGEST_LICENSE = 80


def main(arguments: list[str]) -> int:
    """1 if the file that is there is not that of the lock."""
    if arguments != ["--check"]:
        BILL.write_text(render(LOCK.read_text()))
        return 0
    if fits(LOCK.read_text(), BILL.read_text() if BILL.exists() else "{}"):
        return 0
    sys.stderr.write(f"{BILL.relative_to(ROOT)} is not that of {LOCK.name}. Run `make sbom` and commit it.\n")
    return 1


def fits(lock: str, bill: str) -> bool:
    """Whether each package of the lock is in it, and no other. Licenses are as they were when it was written."""
    listed = [
        (one["name"], one["version"], one["properties"][0]["value"].split())
        for one in json.loads(bill).get("components", [])
    ]
    return listed == [(name, version, sorted(hashes)) for name, version, hashes in pinned_in(lock)]


def render(lock: str) -> str:
    components = [_component(*pinned) for pinned in pinned_in(lock)]
    bill: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "ai-governance", "bom-ref": "ai-governance"}},
        "components": components,
        "dependencies": [{"ref": "ai-governance", "dependsOn": [one["bom-ref"] for one in components]}],
    }
    bill["serialNumber"] = f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(bill, sort_keys=True))}"
    return json.dumps(bill, indent=1, sort_keys=True) + "\n"


def pinned_in(lock: str) -> Iterator[tuple[str, str, list[str]]]:
    """Name, version and hashes of each package that an image installs."""
    for block in re.split(r"\n(?=\S)", lock.replace("\\\n", " ")):
        line = re.sub(r"(^|\s)#.*", "", block, flags=re.MULTILINE).strip()
        if not line:
            continue
        requirement = Requirement(line.partition("--hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(_IMAGE):
            yield requirement.name, str(requirement.specifier).removeprefix("=="), _HASH.findall(line)


def _component(name: str, version: str, hashes: list[str]) -> dict[str, Any]:
    installed = distribution(name)
    if installed.version != version:
        raise SystemExit(f"{name} {installed.version} is installed, and {version} is pinned. Install what is pinned.")
    url = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": url,
        "purl": url,
        "name": name,
        "version": version,
        "licenses": _licenses_of(installed.metadata),
        # The hash of the file that is installed is one of these: there is one for each system and version of Python.
        "properties": [{"name": "ai-governance:sha256", "value": " ".join(sorted(hashes))}],
    }


def _licenses_of(metadata: PackageMetadata) -> list[dict[str, Any]]:
    stated = {name: metadata[name].strip() for name in ("License-Expression", "License") if name in metadata}
    if "License-Expression" in stated:
        return [{"expression": stated["License-Expression"]}]
    classifiers = metadata.get_all("Classifier") or []
    names = {one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ")} - {"OSI Approved"}
    words = stated.get("License", "")
    if not names and words and "\n" not in words and len(words) <= _LONGEST_LICENSE:
        names = {words}
    return [{"license": {"name": name}} for name in sorted(names)]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
