"""`python -m deploy.images`: refuses images that are named by a tag alone; `--pin` writes the digest of each.

A tag can be moved to another image; a digest cannot. What may stay unpinned is listed here, with the reason.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

DEPLOY = Path(__file__).parent
FILES = (
    *("Dockerfile", "prometheus/Dockerfile", "grafana/Dockerfile"),
    *("compose.yaml", "render.yaml", "render-monitoring.yaml"),
)

_NOT_ASKED = "No registry could be asked when this was written. Run `python -m deploy.images --pin` where Docker is."
UNPINNED = {
    "${IMAGE:-ai-governance}": "It is built here.",
    **dict.fromkeys(
        (
            *("python:3.11-slim-trixie", "postgres:18-trixie", "redis:8.2-alpine", "caddy:2.10-alpine"),
            *("prom/prometheus:v3.5.0", "prom/alertmanager:v0.28.1", "grafana/grafana:12.1.0"),
        ),
        _NOT_ASKED,
    ),
}
"""Once a digest is written, its line here goes: then the image can never be named without one again."""

_NAMED = re.compile(
    r"^(?P<before>\s*(?:-\s*)?(?:FROM\s+(?:--\S+\s+)*|image:[ \t]*|url:\s*docker(?:\.io/|://)))(?P<image>[^\s#]+)",
    re.MULTILINE,
)
_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$")


def main(arguments: list[str]) -> int:
    """1 if an image is named by a tag that may move, and is not on the list."""
    if arguments == ["--pin"]:
        for path in _paths():
            path.write_text(pin(path.read_text(), digest_of))
    faults = [fault for path in _paths() for fault in faults_of(path.name, path.read_text())]
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def faults_of(name: str, text: str) -> Iterator[str]:
    stages = set(re.findall(r"^FROM\s+.*\s+AS\s+(\S+)", text, re.MULTILINE | re.IGNORECASE))
    for found in _NAMED.finditer(text):
        image = found["image"].strip("\"'")
        if image not in UNPINNED and image not in stages and not _PINNED.search(image):
            yield f"{name} names {image} by a tag, which may move. Run `python -m deploy.images --pin`."


def pin(text: str, ask: Callable[[str], str]) -> str:
    """The same text with the digest behind each tag that a registry knows."""

    def pinned(found: re.Match[str]) -> str:
        image = found["image"]
        is_ours = image.startswith("$") or _PINNED.search(image)
        return found[0] if is_ours else f"{found['before']}{image}@{ask(image)}"

    return _NAMED.sub(pinned, text)


def digest_of(image: str) -> str:
    """Of the list of all platforms, as the registry has it now."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def _paths() -> list[Path]:
    return [DEPLOY / name for name in FILES]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
