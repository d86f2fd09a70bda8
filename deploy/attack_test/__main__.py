"""`python -m deploy.attack_test`: hostile text over the route table of a throwaway instance, left as evidence."""

import socket
import sys
from datetime import datetime

from core.clock import utc_now
from core.environment import read_settings
from core.release import release
from deploy.attack_test.attack import Outcome, attack
from deploy.attack_test.instance import throwaway_app
from deploy.evidence import hand_in
from portal.console.launch.evidence import Evidence, EvidenceKind


def main() -> int:
    """0: it held, and was handed in; 1 otherwise."""
    started_at = utc_now()
    with throwaway_app() as (app, secret):
        outcome = attack(app, secret)
    _report(outcome)
    is_taken = hand_in(evidence_of(outcome, started_at=started_at), read_settings())
    return 0 if is_taken and not outcome.failures and not outcome.markup else 1


def evidence_of(outcome: Outcome, *, started_at: datetime) -> Evidence:
    return Evidence(
        kind=EvidenceKind.ATTACK,
        host=f"throwaway on {socket.gethostname()}",
        release=release(),
        started_at=started_at,
        finished_at=utc_now(),
        keys=0,
        answers=outcome.answers,
        found={"routes": outcome.routes, "failures": outcome.failures, "markup": outcome.markup},
    )


def _report(outcome: Outcome) -> None:
    sys.stdout.write(f"{outcome.answers:,} requests to {outcome.routes} routes.\n")
    for name in ("failures", "markup"):
        for route in getattr(outcome, name):
            sys.stdout.write(f"{name}: {route}\n")


if __name__ == "__main__":
    sys.exit(main())
