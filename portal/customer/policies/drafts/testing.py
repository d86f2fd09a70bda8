"""What the tests of a draft came to, and which rules they and real traffic have shown."""

from collections.abc import Mapping
from typing import Any

from api.decisions.impact.services import Impact
from api.policies.compiled_rules import ConditionRefused
from api.policies.coverage import RuleCoverage, coverage_by_tests
from api.policies.document import PolicyDocument
from api.policies.drafts.services import Draft
from api.policies.testing import difference_of, run_tests


def tests_of(draft: Draft, impact: Impact | None) -> dict[str, Any]:
    """What the draft's page shows of them; run anew each time, so that they are never of another draft."""
    results = run_tests(draft.document)
    return {
        "results": results,
        "failing": sum(not result.has_passed for result in results),
        "difference_of": difference_of,
        "coverage": _coverage_of(draft.document, impact),
        "traffic_since": impact.since if impact else None,
    }


def _coverage_of(document: PolicyDocument, impact: Impact | None) -> Mapping[str, RuleCoverage]:
    """By the codes of the rules; traffic counts for those that are as they were when it was looked at."""
    try:
        by_tests = coverage_by_tests(document)
    except ConditionRefused:
        return {}
    analyzed = set(impact.document.rules) if impact and impact.tally.seen else set()
    return {
        rule.code: RuleCoverage(
            by_tests[rule.code], impact.tally.seen.get(rule.code) if impact and rule in analyzed else None
        )
        for rule in document.rules
    }
