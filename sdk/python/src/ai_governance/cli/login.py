"""`aig login`: keeps an API key for later commands. It is read from AIG_KEY or a prompt, never from the arguments."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import Any

from ai_governance.cli.credentials import credentials_path, store
from ai_governance.cli.output import show
from ai_governance.client import Client
from ai_governance.errors import ConfigurationError


def add_to(commands: Any) -> None:
    login = commands.add_parser("login", help="save an API key for later commands, from AIG_KEY or a prompt")
    login.set_defaults(run=_login)
    logout = commands.add_parser("logout", help="delete the saved API key")
    logout.set_defaults(run=_logout)


def _login(given: argparse.Namespace) -> int:
    url = given.url or os.environ.get("AIG_URL")
    if not url:
        raise ConfigurationError("Set --url or AIG_URL to the URL of the service.")
    key = os.environ.get("AIG_KEY") or _asked()
    with Client(url, key, total_timeout_s=10.0) as client:
        found = client.inspect_key()
    path = store(url, key)
    name, environment = found["key"]["name"], found["key"]["environment"]
    show(
        {"organization": found["organization"]["slug"], "key": name, "environment": environment, "file": str(path)},
        f"Logged in to {found['organization']['name']} with the {environment} key {name!r}. Saved in {path}.",
        as_json=given.json,
    )
    return 0


def _logout(given: argparse.Namespace) -> int:
    credentials_path().unlink(missing_ok=True)
    show(
        {"logged_out": True},
        "The API key was deleted from this machine. It stays active until revoked.",
        as_json=given.json,
    )
    return 0


def _asked() -> str:
    if not sys.stdin.isatty():
        raise ConfigurationError("No API key. Set AIG_KEY, or run `aig login` in a terminal.")
    return getpass.getpass("API key: ").strip()
