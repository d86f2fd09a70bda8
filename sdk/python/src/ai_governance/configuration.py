"""What a client is made of, from arguments or from the environment."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ai_governance.errors import ConfigurationError
from ai_governance.spool import default_folder
from ai_governance.unavailable import OnUnavailable, mode_of
from ai_governance.version import __version__

SERVICE, LOCAL = "service", "local"
"""Where checks are decided."""
KEY_STARTS = ("aig_live_", "aig_test_")
USER_AGENT = f"ai-governance-python/{__version__} python/{platform.python_version()}"


@dataclass(frozen=True)
class Configuration:
    """`repr` shows no secret."""

    base_url: str
    api_key: str = field(repr=False)
    on_unavailable: OnUnavailable | None = None
    connect_timeout_s: float = 2.0
    total_timeout_s: float = 3.0
    spool_folder: Path = Path()
    trace: bool = False
    decide: str = SERVICE
    bundle_keys: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.api_key}",
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
        }


def configured(
    *,
    base_url: str | None,
    api_key: str | None,
    on_unavailable: OnUnavailable | None,
    connect_timeout_s: float,
    total_timeout_s: float,
    spool_folder: str | os.PathLike[str] | None,
    trace: bool,
    decide: str,
    bundle_keys: Sequence[str] | None,
) -> Configuration:
    """What is not given is taken from AIG_URL and AIG_KEY. Raises ConfigurationError."""
    address, key = base_url or os.environ.get("AIG_URL"), api_key or os.environ.get("AIG_KEY")
    if not address:
        raise ConfigurationError("Pass base_url or set AIG_URL: the URL of the service.")
    if not key:
        raise ConfigurationError("Pass api_key or set AIG_KEY: your API key.")
    if not key.startswith(KEY_STARTS) or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(f"An API key begins with {' or '.join(KEY_STARTS)}, and has no spaces.")
    if not connect_timeout_s > 0 or not total_timeout_s > 0:
        raise ConfigurationError("Timeouts must be more than 0 seconds.")
    mode_of(on_unavailable)
    if decide not in {SERVICE, LOCAL}:
        raise ConfigurationError('decide must be "service" or "local"')
    signers = tuple(bundle_keys if bundle_keys is not None else os.environ.get("AIG_BUNDLE_KEYS", "").split())
    if decide == LOCAL and not signers:
        raise ConfigurationError("Pass bundle_keys or set AIG_BUNDLE_KEYS: the public keys that sign policies.")
    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:16]
    folder = Path(spool_folder) if spool_folder is not None else default_folder(fingerprint)
    return Configuration(
        address,
        key,
        on_unavailable,
        connect_timeout_s,
        total_timeout_s,
        folder,
        trace,
        decide,
        signers if decide == LOCAL else (),
        fingerprint,
    )
