"""What an engine makes of a request, as data to compare: a decision, a refusal, or that the service is asked."""

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from ai_governance.engine.api.checks.distinct_values import DistinctValues
from ai_governance.engine.api.checks.reading import Reader
from ai_governance.engine.api.policies.bundle import Bundle, ForTheService, policy_from
from ai_governance.engine.api.policies.evaluator import CompiledPolicy, evaluate
from ai_governance.engine.core.errors import AppError

from api.policies.bundle import content_of
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument

FOR_THE_SERVICE = {"service": True}
_WHEN = datetime(2026, 11, 29, 9, tzinfo=UTC)
_ORGANIZATION = UUID(int=0)


def bundle_of(document: PolicyDocument, key_id: UUID) -> dict[str, Any]:
    """As the service would send it."""
    # as it is stored, where numbers of a whole value may have lost their point
    kept = msgspec.convert(msgspec.to_builtins(document), PolicyDocument)
    bundle = Bundle(
        organization="org_0",
        key_id=f"key_{key_id.hex}",
        key_fingerprint="0" * 16,
        environment="test",
        revision=1,
        issued_at=_WHEN,
        not_after=_WHEN,
        signing_key="0" * 16,
        **content_of(compile_policy(_ORGANIZATION, 1, kept)),
    )
    return msgspec.to_builtins(bundle)  # type: ignore[no-any-return]


class PythonEngine:
    """That of the client for Python, over one bundle."""

    def __init__(self, bundle: dict[str, Any]) -> None:
        found = msgspec.convert(bundle, Bundle, strict=False)
        self._bucket_key = found.key_id.removeprefix("key_")
        self._reader = Reader(DistinctValues())
        self._policy: CompiledPolicy | None = None
        if not found.needs_service:
            self._policy = policy_from(found, _ORGANIZATION)

    def judge(self, text: str) -> dict[str, Any]:
        if self._policy is None:
            return FOR_THE_SERVICE
        try:
            question = self._reader.read(text.encode(), self._policy)
            outcome = evaluate(self._policy, question.facts, bucket_key=self._bucket_key)
        except ForTheService:
            return FOR_THE_SERVICE
        except AppError as refusal:
            errors = msgspec.to_builtins(refusal.errors)
            return {
                "refused": {
                    "status": int(refusal.status),
                    "code": refusal.code,
                    "detail": refusal.detail,
                    "errors": list(errors),
                }
            }
        return as_data(outcome)


def as_data(outcome: Any) -> dict[str, Any]:
    """Of either package: the service's own, or that of the SDK."""
    return {
        "allowed": outcome.allowed,
        "risk_score": outcome.risk_score,
        "reason": outcome.reason,
        "reasons": [msgspec.to_builtins(one) for one in outcome.reasons],
    }


def judged_by_typescript(built: Path, cases: Sequence[dict[str, Any]], folder: Path) -> list[list[dict[str, Any]]]:
    """For each case of a bundle and requests: the text that is sent of each request, and what comes of it."""
    asked, answered = folder / "asked.ndjson", folder / "answered.ndjson"
    asked.write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    command = ["node", str(built / "testing" / "judge.mjs"), str(asked), str(answered)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in answered.read_text().splitlines()]
