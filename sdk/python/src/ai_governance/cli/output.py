"""What commands print: for people, or as JSON for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, is_dataclass
from typing import Any


def plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def show(value: Any, text: str, *, as_json: bool) -> None:
    """`value` as one line of JSON, or `text`."""
    sys.stdout.write((json.dumps(plain(value), default=str) if as_json else text) + "\n")
    sys.stdout.flush()
