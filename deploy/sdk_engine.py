"""`python -m deploy.sdk_engine`: puts what reads, refuses and decides a check into the SDK for Python.

These are the service's own files, so that both decide alike: all that the roots import, with the names of the packages
changed and nothing else. A test compares what is there with what it would be now. What the SDK for TypeScript has of
them is written with it (`sdk_tables`).
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy import sdk_tables

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "sdk" / "python" / "src" / "ai_governance" / "engine"
ROOTS = ("api.policies.bundle", "api.policies.trials", "api.checks.reading")
DATA = ("api/model_catalogue/versions",)
_IMPORT = re.compile(r"^(from|import) ((?:api|core)(?:\.\w+)*)( import (.+))?", re.MULTILINE)
_MADE = "# Made from {name} of the service by `python -m deploy.sdk_engine`; not to be changed by hand.\n"
_OWN = {
    "core/spelling.py": '''"""What somebody may have meant by a name that is not known, by the standard library."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_GUESS = 64
"""A longer name is no slip of the pen; comparing it would cost more than a guess is worth."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, or None if none is."""
    if len(name) > LONGEST_GUESS:
        return None
    return next(iter(get_close_matches(name, list(known), n=1)), None)
'''
}
"""What the SDK has in another form, since it brings no dependency for it."""


def files() -> dict[Path, str]:
    """What each file of the engine has to be."""
    found = {ENGINE / name: _renamed(name) for name in sorted(_needed())}
    data = (path for folder in DATA for path in (ROOT / folder).iterdir())
    found |= {ENGINE / path.relative_to(ROOT): path.read_text() for path in data}
    packages = {parent for path in found for parent in path.parents if ENGINE in (parent, *parent.parents)}
    return found | {package / "__init__.py": "" for package in packages if package / "__init__.py" not in found}


def _needed() -> set[str]:
    needed: set[str] = set()
    left = [f"{root.replace('.', '/')}.py" for root in ROOTS]
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left += _imports_of(_source(name))
    return needed


def _imports_of(source: str) -> Iterator[str]:
    for found in _IMPORT.finditer(source):
        module = found[2].replace(".", "/")
        if (ROOT / f"{module}.py").exists():
            yield f"{module}.py"
        else:
            yield from (f"{module}/{name.strip()}.py" for name in (found[4] or "").split(","))


def _source(name: str) -> str:
    return _OWN.get(name) or (ROOT / name).read_text()


def _renamed(name: str) -> str:
    return _MADE.format(name=name) + _IMPORT.sub(r"\1 ai_governance.engine.\2\3", _source(name))


def write() -> None:
    shutil.rmtree(ENGINE, ignore_errors=True)
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


if __name__ == "__main__":
    write()
    sdk_tables.write()
