"""How long a decision in the SDK takes, by a signed bundle with 20 rules.

`PYTHONPATH=sdk/python/src python -m tests.bench.local_decisions`. All of it is timed: reading the request, refusing
content, deciding, and writing the line that is handed over later.
"""

import hashlib
import statistics
import tempfile
from time import perf_counter
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
from ai_governance.calls import Calls
from ai_governance.configuration import configured
from ai_governance.decisions import CheckRequest
from ai_governance.local.decider import LocalDecisions

from api.bundles import services, signing_keys
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.rules import OnMissing, Rule, When
from core.clock import utc_now
from core.settings import Settings

RULES, ROUNDS, WARM_UP = 20, 20_000, 2_000
KEY = "aig_test_measured"
REQUEST = CheckRequest(
    "gpt-4o",
    "chat",
    {
        "contains_personal_data": False,
        "department": "support",
        "dataset_record_count": 1_200,
        "is_human_reviewed": True,
        "gen_ai.request.max_tokens": 500,
    },
)


class Unasked(LocalDecisions):
    """Without the threads that ask the service: there is none."""

    def _start(self) -> None:
        pass


def rule(number: int) -> Rule:
    conditions = (f'department == "department-{number}"', "dataset_record_count > 5000")
    when = When(all=conditions, none=("is_human_reviewed",))
    return Rule(code=f"rule_{number}", when=when, message="A rule.", on_missing=OnMissing.SKIP)


def main() -> None:
    settings = Settings()
    document = PolicyDocument(rules=tuple(map(rule, range(RULES))))
    policy = compile_policy(UUID(int=0), 1, msgspec.convert(msgspec.to_builtins(document), PolicyDocument))
    key: Any = SimpleNamespace(id=UUID(int=1), environment="test")
    bundle = services.bundle_for(key, hashlib.sha256(KEY.encode()).digest(), policy, settings, now=utc_now())
    with tempfile.TemporaryDirectory() as folder:
        found = configured(
            base_url="http://127.0.0.1:9",
            api_key=KEY,
            on_unavailable="block",
            connect_timeout_s=1,
            total_timeout_s=1,
            spool_folder=folder,
            trace=False,
            decide="local",
            bundle_keys=[one.public_key for one in signing_keys.published(settings).keys],
        )
        local = Unasked(found, Calls(found))
        local._take(bundle.body, bundle.signature)
        took_us = sorted(timed_us(local) for _ in range(WARM_UP + ROUNDS))
    p99 = statistics.quantiles(took_us, n=100)[-1]
    print(f"{RULES} rules: p50 {statistics.median(took_us):.1f} us, p99 {p99:.1f} us of {len(took_us):,} decisions")


def timed_us(local: LocalDecisions) -> float:
    began_s = perf_counter()
    decision = local.decide(REQUEST)
    took_s = perf_counter() - began_s
    if decision is None:
        raise RuntimeError(local.why_not)
    return took_s * 1e6


if __name__ == "__main__":
    main()
