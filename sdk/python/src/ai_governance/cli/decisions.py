"""`aig decisions`: the decision log."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import takewhile
from typing import Any

from ai_governance.cli.credentials import client_from
from ai_governance.cli.output import show
from ai_governance.client import Client
from ai_governance.decisions import DecisionRecord
from ai_governance.errors import ConfigurationError

FILTERS = ("model", "operation", "reason", "key", "environment", "department", "application", "subject", "from", "to")


def add_to(commands: Any) -> None:
    group = commands.add_parser("decisions", help="read the decision log").add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    search = group.add_parser("search", help="list decisions, newest first")
    search.add_argument("--limit", type=_count, default=20)
    search.set_defaults(run=_search)
    tail = group.add_parser("tail", help="show decisions as they are made, until Ctrl-C")
    tail.add_argument("--every", type=float, default=2.0, metavar="SECONDS")
    tail.add_argument("--once", action="store_true", help="show the latest and exit")
    tail.set_defaults(run=_tail)
    export = group.add_parser("export", help="all matching decisions, oldest first, one JSON object per line")
    export.set_defaults(run=_export)
    for command in (search, tail, export):
        for name in FILTERS:
            command.add_argument(f"--{name}", dest=f"filter_{name}")
        command.add_argument("--allowed", dest="filter_allowed", choices=("true", "false"))


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _search(given: argparse.Namespace) -> int:
    with client_from(given) as client:
        for record in client.decisions(limit=given.limit, **_filters(given)):
            _show(record, as_json=given.json)
    return 0


def _tail(given: argparse.Namespace) -> int:
    if given.every <= 0:
        raise ConfigurationError("--every must be more than 0 seconds.")
    with client_from(given) as client:
        last: str | None = None
        while True:
            fresh = list(_since(client, last, _filters(given)))
            for record in reversed(fresh):
                _show(record, as_json=given.json)
            last = fresh[0].decision_id if fresh else last
            if given.once:
                return 0
            time.sleep(given.every)


def _since(client: Client, last: str | None, filters: dict[str, Any]) -> Iterator[DecisionRecord]:
    """Newest first; at the start the last ten."""
    if last is None:
        return client.decisions(limit=10, **filters)
    return takewhile(lambda record: record.decision_id != last, client.decisions(limit=1_000, **filters))


def _export(given: argparse.Namespace) -> int:
    with client_from(given) as client:
        for record in client.export_decisions(**_filters(given)):
            sys.stdout.write(json.dumps(asdict(record)) + "\n")
    return 0


def _filters(given: argparse.Namespace) -> dict[str, Any]:
    return {
        name.removeprefix("filter_"): value
        for name, value in vars(given).items()
        if name.startswith("filter_") and value is not None
    }


def _show(record: DecisionRecord, *, as_json: bool) -> None:
    outcome = "allowed" if record.allowed else "blocked"
    text = (
        f"{record.decided_at}  {outcome}  {record.risk_score:>3}  {record.model}  {record.operation}  "
        f"{record.reason}  {record.decision_id}"
    )
    show(record, text, as_json=as_json)
