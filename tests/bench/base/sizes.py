"""How much there is in the base."""

import argparse
from collections.abc import Sequence

import msgspec


class Sizes(msgspec.Struct, frozen=True):
    decisions: int = 5_000_000
    """Of the large organization."""
    decisions_of_others: int = 2_000_000
    others: int = 500
    """Organizations that ask, beside the large one."""
    organizations: int = 5_000
    keys: int = 20_000
    audit_events: int = 200_000
    members: int = 2_000
    days: int = 89


def read_sizes(arguments: Sequence[str] | None = None) -> Sizes:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fill", description=__doc__)
    for name, default in msgspec.structs.asdict(Sizes()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help=f"default {default:,}")
    return Sizes(**vars(parser.parse_args(arguments)))
