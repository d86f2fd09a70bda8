"""Which way the arrows point, and what nobody may do."""

import ast
import re
import subprocess
from pathlib import Path

from tests.databases import ROOT

ROOMS = ("api", "backups", "billing", "core", "legal_docs", "local", "portal")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
EDGE = re.compile(r"(^|/)(\w*_)?(views|forms|cli|__init__)\.py$|^api/v1/|^core/|^local/")
"""Where the web is known by its name: pages, forms, commands, the HTTP edge of the API, the floor, and a
developer's machine."""
KNOW_THE_WEB_TOO = {
    "api/runtime.py": "one for each app",
    "backups/migrating.py": "migrates the app's database",
    "backups/place.py": "one for each app",
    "backups/replacing.py": "migrates the app's database",
    "billing/connection.py": "one for each app",
    "billing/deadline.py": "a deadline for each request",
    "billing/transport.py": "a deadline for each request",
    "billing/webhooks.py": "an address",
    "portal/console/launch/checks/money.py": "looks at the app",
    "portal/customer/documents/signing.py": "who signs, and from where",
    "portal/customer/people/passkey_refusals.py": "reads what a browser sent",
    "portal/customer/people/signing_in.py": "cookies",
    "portal/customer/people/trying.py": "from where somebody tries",
    "portal/docs/pages.py": "pages",
    "portal/in_process_api.py": "asks the app",
    "portal/notifications/egress.py": "one for each app",
    "portal/notifications/pages.py": "pages",
    "portal/notifications/sending.py": "the app's settings",
    "portal/pages.py": "every blueprint",
    "portal/parents.py": "the page of a form",
    "portal/status/snapshot.py": "renders pages as files",
}


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return names | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def test_what_is_no_page_no_form_and_no_command_knows_no_web() -> None:
    names = {str(path.relative_to(ROOT)): path for path in SOURCES}
    knowing = {name for name, path in names.items() if any(one.startswith("flask") for one in imports_of(path))}

    assert {name for name in knowing if not EDGE.search(name)} == set(KNOW_THE_WEB_TOO)


def test_no_function_hides_an_import() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert hidden == []


def test_no_part_of_a_room_takes_a_name_away_from_the_rooms_own_file() -> None:
    """Importing a part sets its name in the package, over whatever that name meant there before."""
    taken = []
    for room in ROOMS:
        parts = {path.stem for path in (ROOT / room).iterdir()}
        for node in ast.walk(ast.parse((ROOT / room / "__init__.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.module != room:
                names = {alias.asname or alias.name for alias in node.names}
                taken += [f"{room}: {name}" for name in names & parts if node.module != f"{room}.{name}"]

    assert taken == []


def test_no_file_is_one_that_everybody_dreads() -> None:
    long = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in SOURCES}

    assert {name: lines for name, lines in long.items() if lines > 280} == {}


def test_no_package_registry_is_named() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    texts = {name: (ROOT / name).read_text(errors="ignore") for name in files if (ROOT / name).is_file()}
    naming = [name for name, words in texts.items() if any(host in words for host in hosts)]

    assert naming == []


def test_nothing_that_git_ignores_is_tracked() -> None:
    """A link to an environment, once tracked, would replace the environment of whoever merges it."""
    asked = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]

    assert not subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
