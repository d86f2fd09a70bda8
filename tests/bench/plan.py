"""How long and how much is measured."""

import argparse
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec


class Experiment(StrEnum):
    COMPARE = "compare"
    COSTS = "costs"
    POLICIES = "policies"
    SUSTAINED = "sustained"
    GROWTH = "growth"
    SDK = "sdk"
    ALL = "all"


class Plan(msgspec.Struct, frozen=True):
    experiment: Experiment = Experiment.ALL
    is_kept: bool = False
    """Whether the comparison is the one that later ones are held against."""
    compare_rounds: int = 5
    compare_s: int = 8
    growth_rounds: int = 3
    growth_s: int = 5
    sustained_s: int = 300
    rate_per_s: int = 1_000
    keys_in_use: int = 1_000
    """Over how many keys requests are spread, where they are."""
    rule_counts: tuple[int, ...] = (1, 10, 100, 1_000)
    key_counts: tuple[int, ...] = (1, 1_000, 100_000)
    log_rows: tuple[int, ...] = (0, 1_000_000, 10_000_000)
    replayed_rows: int = 1_000_000
    beside_s: int = 2
    """Of each load beside a replay."""

    def includes(self, experiment: Experiment) -> bool:
        return self.experiment in {Experiment.ALL, experiment}


_QUICK = Plan(
    compare_rounds=1,
    compare_s=2,
    growth_rounds=1,
    growth_s=2,
    sustained_s=5,
    rate_per_s=300,
    keys_in_use=100,
    rule_counts=(1, 10),
    key_counts=(1, 100, 1_000),
    log_rows=(0, 10_000),
    replayed_rows=20_000,
    beside_s=1,
)


def read_plan(arguments: Sequence[str] | None = None) -> Plan:
    given = _parser().parse_args(arguments)
    experiment = Experiment(given.experiment)
    seconds_if_alone = given.seconds if experiment is Experiment.SUSTAINED else None
    changes = {
        "compare_rounds": given.rounds,
        "compare_s": given.seconds,
        "growth_rounds": given.rounds,
        "growth_s": given.seconds,
        "sustained_s": given.sustained_seconds or seconds_if_alone,
        "rate_per_s": given.rate,
        "rule_counts": given.rules,
        "key_counts": given.keys,
        "log_rows": given.log_rows,
        "replayed_rows": given.replayed,
        "is_kept": given.keep or None,
    }
    stated = {name: value for name, value in changes.items() if value is not None}
    return msgspec.structs.replace(_QUICK if given.quick else Plan(), experiment=experiment, **stated)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("experiment", nargs="?", choices=[e.value for e in Experiment], default="all")
    parser.add_argument(
        "--seconds", type=_whole(1), help="of one measurement; of the whole, if sustained is asked alone"
    )
    parser.add_argument("--rounds", type=_whole(1), help="how often each measurement is repeated")
    parser.add_argument("--sustained-seconds", type=_whole(1), help="length of the steady load (default 300)")
    parser.add_argument("--rate", type=_whole(1), help="requests per second of the steady load (default 1000)")
    parser.add_argument("--rules", type=_counts(1), metavar="N,N,…", help="numbers of rules (default 1,10,100,1000)")
    parser.add_argument("--keys", type=_counts(1), metavar="N,N,…", help="numbers of keys (default 1,1000,100000)")
    parser.add_argument("--log-rows", type=_counts(0), metavar="N,N,…", help="rows (default 0,1000000,10000000)")
    parser.add_argument("--replayed", type=_whole(1), help="decisions to replay (default 1000000)")
    parser.add_argument("--quick", action="store_true", help="short and small: shows that it works, measures little")
    parser.add_argument("--keep", action="store_true", help="hold later comparisons against this one")
    return parser


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return number

    return read


def _counts(least: int) -> Callable[[str], tuple[int, ...]]:
    """Ascending, for what was added is not taken away between steps."""
    return lambda text: tuple(sorted(set(map(_whole(least), text.split(",")))))
