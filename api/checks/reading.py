"""From the bytes of a body to questions: the quick way where all is plainly well, and else the way that explains."""

from typing import Any

from api.checks.distinct_values import DistinctValues
from api.checks.quick_reading import QuickReader
from api.content.refusal import parse_batch_without_content, parse_without_content
from api.policies.evaluator import CompiledPolicy
from api.policies.facts import CheckQuestion, read_question
from api.strict_json import MAX_NAMED
from core.errors import AppError, ServiceUnavailable


class Reader:
    """With a quick reader for the newest policy version of each organization."""

    def __init__(self, values: DistinctValues) -> None:
        self.values = values
        self._quick: dict[int, tuple[CompiledPolicy, QuickReader]] = {}

    def read(self, body: bytes, policy: CompiledPolicy | None) -> CheckQuestion:
        """Raises ContentRefused, TooManyNames, InvalidJson, InvalidRequest, or ServiceUnavailable without a policy."""
        return self.read_quickly(body, policy) or self.read_parsed(parse_without_content(body), policy)

    def read_quickly(self, body: bytes, policy: CompiledPolicy | None) -> CheckQuestion | None:
        """In a moment; None where more has to be looked at."""
        return self._quick_for(policy).read(body) if policy is not None else None

    def read_batch(
        self, body: bytes, policy: CompiledPolicy | None, *, items_under: str
    ) -> tuple[Any, dict[int, AppError]]:
        """The JSON value of `body`, and the refusals of single items by their index.

        Items are questions already where all of them are plainly well. Raises as `parse_batch_without_content` does.
        """
        questions = self._quick_for(policy).read_batch(body) if policy is not None else None
        if questions is not None:
            return {items_under: questions}, {}
        return parse_batch_without_content(body, items_under=items_under)

    def read_parsed(self, parsed: Any, policy: CompiledPolicy | None, *, most_named: int = MAX_NAMED) -> CheckQuestion:
        """A question whose JSON was read; a refusal names at most `most_named` fields.

        Raises InvalidRequest, or ServiceUnavailable without a policy.
        """
        if policy is None:
            raise ServiceUnavailable(
                "This organization has no policies yet, so no request can be allowed. Contact support."
            )
        question = read_question(parsed, policy.facts, most_named=most_named)
        self.values.need_few(policy.organization_id, question.facts)
        return question

    def _quick_for(self, policy: CompiledPolicy) -> QuickReader:
        known = self._quick.get(policy.organization_id.int)
        if known is None or known[0] is not policy:
            known = self._quick[policy.organization_id.int] = (policy, QuickReader(policy, self.values))
        return known[1]
