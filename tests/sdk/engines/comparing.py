"""`python -m tests.sdk.engines.comparing BUILT SEED`: both engines on generated cases, and where they differ.

BUILT is the folder of the TypeScript SDK with its `dist`.
"""

import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from api.policies.compiling import compile_policy
from api.policies.evaluator import CompiledPolicy, evaluate
from api.policies.facts import read_question
from tests.sdk.engines.judging import PythonEngine, as_data, bundle_of, judged_by_typescript
from tests.sdk.engines.policies import policies as some_policies
from tests.sdk.engines.requests import request


@dataclass
class Found:
    judged: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    different: list[dict[str, Any]] = field(default_factory=list)


def differences(built: Path, folder: Path, *, seed: int, policies: int, requests: int) -> Found:
    """Each request as the TypeScript SDK would send it is judged by both; decisions by the service's CEL rules too."""
    chance = Random(seed)
    documents = [some_policies(chance) for _ in range(policies)]
    bundles = [bundle_of(document, UUID(int=chance.getrandbits(128))) for document in documents]
    asked = [[request(chance, document) for _ in range(requests)] for document in documents]
    cases = [{"bundle": bundle, "requests": some} for bundle, some in zip(bundles, asked, strict=True)]
    found = Found()
    for document, bundle, results in zip(documents, bundles, judged_by_typescript(built, cases, folder), strict=True):
        engine, policy = PythonEngine(bundle), compile_policy(UUID(int=0), 1, document)
        for one in results:
            wanted = engine.judge(one["text"])
            found.judged += 1
            found.kinds[_kind(wanted)] += 1
            is_same = wanted == one["result"] and _by_the_service(policy, bundle, one["text"], wanted) == wanted
            if not is_same:
                found.different.append({"wanted": wanted, **one, "policies": msgspec.to_builtins(document)})
    return found


def _kind(result: dict[str, Any]) -> str:
    if "allowed" in result:
        return "allowed" if result["allowed"] else "blocked"
    return next(iter(result))


def _by_the_service(
    policy: CompiledPolicy, bundle: dict[str, Any], text: str, wanted: dict[str, Any]
) -> dict[str, Any]:
    if "allowed" not in wanted:
        return wanted
    facts = read_question(json.loads(text), policy.facts).facts
    return as_data(evaluate(policy, facts, bucket_key=bundle["key_id"].removeprefix("key_")))


def main(built: str, seed: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = differences(Path(built), Path(folder), seed=int(seed), policies=400, requests=25)
    for one in found.different[:10]:
        sys.stdout.write(f"{json.dumps({**one, 'policies': None})}\n")
    sys.stdout.write(f"{found.judged} judged, {dict(found.kinds)}, {len(found.different)} different\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
