"""`python -m deploy.image_trial`: builds the image and starts it, with a Docker engine, Podman or buildah.

Ends with 0 if it answered, 1 if it could not be built or does not start, 3 if nobody here can build it or the registry
of its base image cannot be reached: then nothing is known of the image, and this says so.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCKERFILE = "deploy/Dockerfile"
NAME = "ai-governance:trial"
FAILED, NOT_TRIED = 1, 3

IN_CONTAINER = """
flask web > /tmp/refused 2>&1 && { echo 'It started in production without any settings.'; exit 1; }
grep -q SECRET_KEY /tmp/refused || { cat /tmp/refused; exit 1; }
export ENVIRONMENT=development LOG_LEVEL=ERROR
flask serve > /tmp/served 2>&1 &
server=$! code=1
for _ in $(seq 120); do python deploy/health.py /health/ready && { code=0; break; }; sleep 1; done
kill -TERM $server
wait $server || true
[ $code = 0 ] || cat /tmp/served
exit $code
"""
"""In production it refuses to start without settings, and names them; with its own database it becomes ready."""


class Done(NamedTuple):
    code: int
    output: str


Run = Callable[[Sequence[str]], Done]


class Builder(NamedTuple):
    pull: tuple[str, ...]
    build: tuple[str, ...]
    start: tuple[str, ...]


_ENGINE = (("pull", "--quiet"), ("build", "--file", DOCKERFILE, "--tag", NAME, "."))
_RUN = ("run", "--rm", "--read-only", "--tmpfs", "/tmp", NAME, "sh", "-c", IN_CONTAINER)  # noqa: S108  in the container
_BUILDAH = """
container=$(buildah from --pull-never "$1") && trap 'buildah rm "$container" > /dev/null' EXIT &&
buildah run --isolation chroot "$container" -- sh -c "$2"
"""
BUILDERS = {
    **{name: Builder(*((name, *words) for words in (*_ENGINE, _RUN))) for name in ("docker", "podman")},
    "buildah": Builder(
        ("buildah", "pull", "--quiet"),
        ("buildah", "build", "--isolation", "chroot", "--file", DOCKERFILE, "--tag", NAME, "."),
        ("sh", "-c", _BUILDAH, "buildah", NAME, IN_CONTAINER),
    ),
}
_ASKS = {"docker": ("docker", "info"), "podman": ("podman", "info"), "buildah": ("buildah", "info")}


def run(command: Sequence[str]) -> Done:
    """What it says is shown at once too."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    sys.stderr.write(done.stdout)
    return Done(done.returncode, done.stdout)


def main(run: Run = run, which: Callable[[str], str | None] = shutil.which) -> int:
    builder = next((BUILDERS[name] for name in _ASKS if which(name) and run(_ASKS[name]).code == 0), None)
    if builder is None:
        return _end(NOT_TRIED, "THE IMAGE WAS NOT BUILT: there is no Docker engine, Podman or buildah on this machine.")
    for image in base_images((ROOT / DOCKERFILE).read_text()):
        if run((*builder.pull, image)).code != 0:
            return _end(NOT_TRIED, f"THE IMAGE WAS NOT BUILT: its base image {image} cannot be pulled from here.")
    if run(builder.build).code != 0:
        return _end(FAILED, "The image cannot be built; see above.")
    if run(builder.start).code != 0:
        return _end(FAILED, "The image was built, and does not start as it should; see above.")
    return _end(0, "The image was built, refuses to start in production without settings, and answers with them.")


def base_images(dockerfile: str) -> list[str]:
    """Each once; not the stages that it names itself."""
    stages = set(re.findall(r"^FROM\s+\S+\s+AS\s+(\S+)", dockerfile, re.MULTILINE | re.IGNORECASE))
    named = re.findall(r"^FROM\s+(\S+)", dockerfile, re.MULTILINE)
    return [image for image in dict.fromkeys(named) if image not in stages]


def _end(code: int, words: str) -> int:
    sys.stderr.write(f"{words}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
