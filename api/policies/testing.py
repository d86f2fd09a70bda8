"""Running the tests that are kept with the policies. Imports no database.

Bounded: as many tests as a document may have, and no more once the time is over; what was not run did not pass.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from uuid import UUID

import msgspec

from api.policies.compiled_rules import ConditionRefused
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, CompiledPolicy, evaluate
from api.policies.facts import read_question
from api.policies.policy_tests import PolicyTest
from api.policies.rules import RuleState
from core.clock import monotonic_s
from core.errors import AppError, FieldProblem, InvalidRequest
from core.formats import first_of

MOST_S = 2.0
MOST_NAMED = 10
_NOT_RUN = f"Not run: the tests before it took {MOST_S:.0f} seconds."


class PolicyTestResult(msgspec.Struct, frozen=True, kw_only=True):
    """`fault` says why there is no decision, where there is none."""

    test: PolicyTest
    allowed: bool | None = None
    reason: str | None = None
    risk_score: int | None = None
    fault: str | None = None
    in_shadow: tuple[str, ...] = ()
    """Codes of the rules that matched and have no effect yet."""

    @property
    def has_passed(self) -> bool:
        expect = self.test.expect
        return (
            self.allowed is expect.allowed
            and expect.reason in (None, self.reason)
            and expect.risk_score in (None, self.risk_score)
        )


class PolicyTestsFailed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "policy_tests_failed", "Tests of these policies fail"
    advice = "Change the policies or the tests until all tests pass, then publish again."


def tested_policy(document: PolicyDocument) -> CompiledPolicy:
    """A rule for a percentage is enforced, so that a test does not depend on whose request it is.

    Raises ConditionRefused for one that was kept by an older release and does not compile.
    """
    rules = tuple(
        msgspec.structs.replace(rule, state=RuleState.ENFORCED) if rule.state is RuleState.PERCENT else rule
        for rule in document.rules
    )
    return compile_policy(UUID(int=0), 0, msgspec.structs.replace(document, rules=rules))


def facts_of_test(policy: CompiledPolicy, test: PolicyTest) -> CheckFacts:
    """Raises InvalidRequest for a request that these policies refuse to read."""
    return read_question(msgspec.to_builtins(test.request), policy.facts).facts


def run_tests(
    document: PolicyDocument, tests: Sequence[PolicyTest] | None = None, *, clock: Callable[[], float] = monotonic_s
) -> tuple[PolicyTestResult, ...]:
    """The document's own tests, or others that it is to pass."""
    tests = document.tests if tests is None else tests
    if not tests:
        return ()
    try:
        policy = tested_policy(document)
    except ConditionRefused as refused:
        return tuple(PolicyTestResult(test=test, fault=str(refused)) for test in tests)
    ends_at_s = clock() + MOST_S
    return tuple(
        _result(policy, test) if clock() < ends_at_s else PolicyTestResult(test=test, fault=_NOT_RUN) for test in tests
    )


def need_passing(document: PolicyDocument) -> None:
    """Raises PolicyTestsFailed, which names the tests."""
    results = run_tests(document)
    failing = [place for place, result in enumerate(results) if not result.has_passed]
    if not failing:
        return
    names = first_of([f"“{results[place].test.name}”" for place in failing], MOST_NAMED)
    raise PolicyTestsFailed(
        f"{len(failing)} of {len(results)} tests fail: {names}. {PolicyTestsFailed.advice}",
        errors=tuple(
            FieldProblem(f"tests[{place}]", "test_failed", difference_of(results[place]))
            for place in failing[:MOST_NAMED]
        ),
    )


def difference_of(result: PolicyTestResult) -> str:
    """What was expected and what came, in one sentence."""
    if result.fault is not None:
        return result.fault
    expect = result.test.expect
    wanted = ["allowed" if expect.allowed else "blocked"]
    wanted += [f"reason {expect.reason}"] if expect.reason is not None else []
    wanted += [f"risk score {expect.risk_score}"] if expect.risk_score is not None else []
    came = f"{'allowed' if result.allowed else 'blocked'}, reason {result.reason}, risk score {result.risk_score}"
    shadow = f" In shadow, so without effect: {', '.join(result.in_shadow)}." if result.in_shadow else ""
    return f"Expected {', '.join(wanted)}; the decision is {came}.{shadow}"


def _result(policy: CompiledPolicy, test: PolicyTest) -> PolicyTestResult:
    try:
        outcome = evaluate(policy, facts_of_test(policy, test))
    except InvalidRequest as refused:
        problems = "; ".join(f"{problem.path}: {problem.detail}" for problem in refused.errors)
        return PolicyTestResult(test=test, fault=f"The request is not valid. {problems or refused.detail}")
    return PolicyTestResult(
        test=test,
        allowed=outcome.allowed,
        reason=outcome.reason,
        risk_score=outcome.risk_score,
        in_shadow=tuple(finding.code for finding in outcome.shadow),
    )
