"""Where the key comes from: the environment, or a file that `aig login` wrote and only its owner can read."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from ai_governance.client import Client
from ai_governance.errors import ConfigurationError


def credentials_path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA") or Path.home() / ".config"
    return Path(base) / "ai-governance" / "credentials.json"


def stored() -> dict[str, str]:
    """What `aig login` kept; nothing if it never ran. Raises ConfigurationError for a file others can read."""
    path = credentials_path()
    try:
        is_open = os.name == "posix" and path.stat().st_mode & 0o077
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigurationError(f"{path} is not valid. Run `aig login` again.") from error
    if is_open:
        raise ConfigurationError(f"Others can read {path}. Run `chmod 600` on it, and rotate the key.")
    return {name: str(value) for name, value in found.items()}


def store(url: str, key: str) -> Path:
    path = credentials_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"url": url, "key": key}, file)
    return path


def client_from(given: argparse.Namespace) -> Client:
    """Raises ConfigurationError."""
    kept = {} if os.environ.get("AIG_KEY") and (given.url or os.environ.get("AIG_URL")) else stored()
    key = os.environ.get("AIG_KEY") or kept.get("key")
    if not key:
        raise ConfigurationError("No API key. Run `aig login`, or set AIG_KEY.")
    return Client(given.url or os.environ.get("AIG_URL") or kept.get("url"), key, total_timeout_s=10.0)
