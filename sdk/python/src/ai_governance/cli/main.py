"""`aig`: one entry, a module for each group of commands.

Ends with 0, with 2 where a check is blocked or policies would change, and with 1 where something went wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ai_governance.cli import checks, decisions, doctor, login, mcp, policies
from ai_governance.cli.completion import completion_script
from ai_governance.cli.credentials import client_from
from ai_governance.errors import AiGovernanceError
from ai_governance.version import __version__

OK, FAILED, BLOCKED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """What `aig` ends with."""
    given = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except AiGovernanceError as error:
        return _failed(str(error), as_json=given.json, code=getattr(error, "problem_code", type(error).__name__))
    except OSError as error:
        return _failed(f"{type(error).__name__}: {error.strerror or 'the file could not be used'}", as_json=given.json)
    except KeyboardInterrupt:
        return FAILED


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="aig", description="Send checks to AI Governance and read its decisions.")
    root.add_argument("--version", action="version", version=f"aig {__version__}")
    root.add_argument("--json", action="store_true", help="print JSON, for programs")
    root.add_argument("--url", help="URL of the service (default: AIG_URL, then the one from `aig login`)")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    login.add_to(commands)
    checks.add_to(commands)
    decisions.add_to(commands)
    policies.add_to(commands)
    doctor.add_to(commands)
    mcp.add_to(commands)
    completion = commands.add_parser("completion", help="print a completion script for a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    completion.set_defaults(run=lambda given: _print_completion(given.shell, root))
    return root


def _print_completion(shell: str, root: argparse.ArgumentParser) -> int:
    sys.stdout.write(completion_script(shell, root))
    return OK


def _failed(message: str, *, as_json: bool, code: str = "failed") -> int:
    told: Any = json.dumps({"error": {"code": code, "message": message}}) if as_json else f"aig: {message}"
    sys.stderr.write(f"{told}\n")
    return FAILED


__all__ = ["client_from", "main", "parser"]
