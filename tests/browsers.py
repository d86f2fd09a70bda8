"""The browser that tests walk pages with, where there is one."""

import os
import shutil

import pytest

PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")
"""The first, which has no windows to draw, takes half the processor time for the same pages."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def program() -> str:
    """Where it is. Skips the test where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("A browser is missing (Debian: apt-get install chromium-headless-shell, or chromium).")
    return found
