"""`python -m …` of our own programs, forked from a process that has loaded the app: alone, each would load it anew."""

import gc
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from core.settings import Settings
from tests import compiled_urls

ROOT = Path(__file__).parent.parent
LOADED = ("wsgi", "core.web_process", "flask.cli")
METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""Once loaded, metrics are kept in files; of a program that serves none, among its data."""

_forks = get_context("forkserver")
_forks.set_forkserver_preload(["tests.forked_from"])


def start(module: str, *arguments: str, environment: Mapping[str, str]) -> ForkServerProcess:
    """A session of its own, in the project's folder."""
    process = _forks.Process(target=_become, args=(module, arguments, dict(environment)))
    process.start()
    return process


def _become(module: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update({METRICS: environment["DATA_DIR"], **environment})
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def load() -> None:
    """In the process that the others are forked from. Each fork begins its metrics anew."""
    compiled_urls.compile_once()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[METRICS] = folder
        for module in LOADED:
            import_module(module)
        import_module("wsgi").create_app(Settings(database_url="postgresql://nobody@127.0.0.1:9/none", data_dir=folder))
    gc.freeze()
