"""How large rules may be, told before any of them is compiled: compiling costs more than its length.

Measured: 15 KB of lists in one rule take 0.2 s, and a policy full of such rules took 12 s. Imports no database.
"""

import re
from collections.abc import Iterator, Sequence

from api.policies.rules import Rule
from core.errors import FieldProblem

MAX_RULE_CHARACTERS = 4_000
MAX_POLICY_CHARACTERS = 100_000
MAX_LIST_ENTRIES = 100
MAX_NESTING = 12

_LITERAL_OR_COMMENT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|//[^\n]*")


def faults_of_size(rules: Sequence[Rule], path: str) -> Iterator[FieldProblem]:
    """What has to become smaller."""
    total = 0
    for index, rule in enumerate(rules):
        size = sum(map(len, rule.when.conditions))
        total += size
        if size > MAX_RULE_CHARACTERS:
            detail = (
                f"Use at most {MAX_RULE_CHARACTERS} characters in the conditions of a rule. Split it into two rules."
            )
            yield FieldProblem(f"{path}[{index}].when", "too_large", detail)
        for part in ("all", "any", "none"):
            for place, condition in enumerate(getattr(rule.when, part)):
                yield from _faults_of_shape(condition, f"{path}[{index}].when.{part}[{place}]")
    if total > MAX_POLICY_CHARACTERS:
        detail = f"Use at most {MAX_POLICY_CHARACTERS} characters in the conditions of all rules together."
        yield FieldProblem(path, "too_large", detail)


def _faults_of_shape(condition: str, path: str) -> Iterator[FieldProblem]:
    longest, deepest = _shape_of(condition)
    if longest > MAX_LIST_ENTRIES:
        detail = f"Use at most {MAX_LIST_ENTRIES} entries in a list. Use several conditions, or a shorter list."
        yield FieldProblem(path, "too_large", detail)
    if deepest > MAX_NESTING:
        yield FieldProblem(path, "too_large", f"Use at most {MAX_NESTING} levels of brackets.")


def _shape_of(condition: str) -> tuple[int, int]:
    """Entries of the longest list, and levels of brackets."""
    longest, deepest, entries = 0, 0, [0]
    for character in _LITERAL_OR_COMMENT.sub("", condition):
        if character in "([{":
            entries.append(1)
            deepest = max(deepest, len(entries) - 1)
        elif character == "," and len(entries) > 1:
            entries[-1] += 1
            longest = max(longest, entries[-1])
        elif character in ")]}" and len(entries) > 1:
            entries.pop()
    return longest, deepest
