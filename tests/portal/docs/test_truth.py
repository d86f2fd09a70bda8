"""What the guides say is what the software does: its figures, problems, policies, roles and headers."""

import ast
import re
from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
from jinja2 import UndefinedError

from api.limits.memory import MemoryLimiter
from api.limits.window import Ask
from api.policies.compiling import compile_policy
from api.policies.document import POLICY_KEYS, PolicyDocument
from api.policies.evaluator import CheckFacts, Outcome, evaluate
from api.policies.validation import with_values
from api.v1.endpoint import declared_endpoints
from api.v1.limit_headers import headers_of
from api.v1.reference import openapi
from core.errors import MethodNotAllowed, all_refusals
from core.members import MEANING
from legal_docs import figures
from portal.docs import articles
from portal.docs import figures as named
from portal.support.severities import SLA_TARGETS, Severity
from tests.databases import ROOT
from tests.portal.docs.guides import NAMES, blocks_of, codes_in, guide, prose_of, rows_under, source_of

PROBLEM_TABLES = (
    "Invalid API keys",
    "Valid key, but not allowed",
    "Invalid requests",
    "Limits and temporary errors",
    "Keys and policies",
)
NOT_A_FIGURE = re.compile(
    r"\{\{.*?\}\}|^\d\. |\bArticle \d+\b|\bRFC 9457\b|\bUTF-8\b|\bSHA-256\b|\bEd25519\b|\bRFC 6962\b|\bsince 1970\b"
    r"|\bPython 3\.\d+\b|\b4xx\b|\b(200|4\d\d|5\d\d)\b(?! (ms|s|requests|records|checks|tokens|bytes|days|hours)\b)"
)
"""Placeholders, the numbers of steps, names, and statuses of HTTP that stand for themselves."""
SPELLED = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|ninety|hundred)"
    r" (business )?(seconds|minutes|hours|days|weeks|months|years|per cent)\b"
)
MEANT = {"five minutes"}
"""How long the quickstart takes: no promise of ours."""


def bare_figures(markdown: str) -> list[str]:
    """Numbers of the prose that are typed and not read from a constant."""
    found = []
    for line in prose_of(markdown):
        words = NOT_A_FIGURE.sub("", line)
        found += re.findall(r"\d[\d.,:]*\d|\d", words)
        found += [spelled.group() for spelled in SPELLED.finditer(words) if spelled.group() not in MEANT]
    return found


def test_the_figures_of_the_clients_are_those_of_their_source() -> None:
    """What the packages for Python and for Node.js do, in the words of their own source."""
    kept, typescript = named.figures(), ROOT / "sdk/typescript"
    configuration = (typescript / "src/configuration.ts").read_text()

    assert f'"node": ">={kept["client_node"]}"' in (typescript / "package.json").read_text()
    for name, option in (("client_connect_ms", "connectTimeoutMs"), ("client_total_ms", "totalTimeoutMs")):
        assert f"options.{option} ?? {kept[name].replace(',', '')}," in configuration
    most = kept["client_kept"].replace(",", "_")
    assert f"MOST_KEPT = {most};" in (typescript / "src/spool.ts").read_text()
    assert f"MOST_ENTRIES = {most}\n" in (ROOT / "sdk/python/src/ai_governance/spool.py").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_no_figure_is_typed(name: str) -> None:
    assert bare_figures(source_of(name)) == []


@pytest.mark.parametrize(
    "typed", ["It is kept for 90 days.", "| Pro | $49 |", "two business days", "10,000 checks", "under 500 ms"]
)
def test_a_typed_figure_would_be_found(typed: str) -> None:
    assert bare_figures(typed) != []


def test_a_figure_that_nobody_named_is_refused() -> None:
    with pytest.raises(UndefinedError, match="no_such_figure"):
        articles._SOURCES.from_string("{{ no_such_figure }}").render(named.figures())


def test_no_two_figures_have_one_name() -> None:
    assert sum(len(source()) for source in named._SOURCES) == len(named.figures())


def test_the_contract_and_the_clocks_promise_the_same_answers() -> None:
    promised = {severity: SLA_TARGETS[severity].response.total_seconds() / 3600 for severity in Severity}

    assert promised == {
        Severity.CRITICAL: figures.CRITICAL_RESPONSE_HOURS,
        Severity.HIGH: figures.HIGH_RESPONSE_HOURS,
        Severity.MEDIUM: figures.MEDIUM_RESPONSE_HOURS,
        Severity.LOW: figures.LOW_RESPONSE_HOURS,
    }


def test_every_problem_of_the_api_is_explained_with_its_status() -> None:
    explained = {codes_in(row[0])[0]: row for row in rows_under(guide("errors"), *PROBLEM_TABLES)}
    of_the_api = {refusal.code for endpoint in declared_endpoints() for refusal in openapi.refusals_of(endpoint)}
    statuses = {refusal.code: str(int(refusal.status)) for refusal in all_refusals()}

    assert set(explained) == of_the_api | {MethodNotAllowed.code}
    assert {code: row[1] for code, row in explained.items()} == {code: statuses[code] for code in explained}
    assert all(len(row) == 4 and all(row) for row in explained.values())


def field_codes() -> Iterator[str]:
    """The codes that the API gives to single fields, from its own source."""
    place_of_code = {"FieldProblem": 1, "_Fault": 0}
    for path in (*(ROOT / "api").rglob("*.py"), ROOT / "core" / "errors.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = place_of_code.get(node.func.id)
            if place is not None and isinstance(node.args[place], ast.Constant):
                yield str(node.args[place].value)  # type: ignore[attr-defined]


def test_every_fault_of_a_field_is_explained() -> None:
    explained = {codes_in(row[0])[0] for row in rows_under(guide("errors"), "Field errors")}

    assert explained == set(field_codes())


def test_every_policy_is_explained() -> None:
    explained = [codes_in(row[0])[0] for row in rows_under(guide("policies"), "Built-in policies")]

    assert sorted(explained) == sorted(POLICY_KEYS)


RULES = [msgspec.json.decode(block.code) for block in blocks_of(guide("policies")) if "rule" in block.marks]


def outcome(*rules: object, **metadata: object) -> Outcome:
    document = with_values(PolicyDocument(), {"rules": rules}, path_of=str)
    facts = CheckFacts(model="gpt-4o", operation="chat", metadata=metadata)  # type: ignore[arg-type]
    return evaluate(compile_policy(UUID(int=0), 1, document), facts)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["code"])
def test_the_rules_shown_can_be_kept(rule: object) -> None:
    assert with_values(PolicyDocument(), {"rules": [rule]}, path_of=str).rules


def test_the_rules_shown_do_what_is_said_of_them() -> None:
    by_code = {rule["code"]: rule for rule in RULES}
    review, long, region = (by_code[code] for code in ("hr_needs_review", "long_answer", "eu_data_stays"))

    assert outcome(review, department="hr", is_human_reviewed=False).reason == "hr_needs_review"
    assert outcome(review, department="hr", is_human_reviewed=True).allowed
    assert not outcome(review).allowed
    assert outcome(long, **{"gen_ai.request.max_tokens": 5000}).risk_score == long["points"]
    assert outcome(long).reasons == ()
    assert not outcome(region, data_region="eu", model_region="eu").allowed
    assert outcome(region, data_region="us", model_region="us").allowed


def test_the_facts_that_are_required_there_have_to_be_sent() -> None:
    (block,) = [block for block in blocks_of(guide("policies")) if "required" in block.marks]
    required = with_values(PolicyDocument(), {"required_facts": msgspec.json.decode(block.code)}, path_of=str)
    policy = compile_policy(UUID(int=0), 1, required)
    told = {"contains_personal_data": False, "purpose": "support"}
    silent, vague, clear = (
        evaluate(policy, CheckFacts(model="gpt-4o", operation="chat", metadata=dict(list(told.items())[:count])))  # type: ignore[arg-type]
        for count in range(3)
    )

    assert not silent.allowed
    assert (vague.allowed, vague.risk_score) == (True, 20)
    assert clear.reasons == ()


def test_every_header_of_the_limit_is_explained() -> None:
    verdict = MemoryLimiter().hit([Ask(bucket="of-nobody", limit=1)])[0]

    explained = {name for row in rows_under(guide("limits"), "Rate limit headers") for name in row[0].split("`")}

    assert {name for name, _ in headers_of(verdict)} | {"retry-after"} <= {name.lower() for name in explained}


def test_the_roles_mean_what_they_mean_on_the_team_page() -> None:
    for role, meaning in MEANING.items():
        assert f"| {role.title()} | {meaning} |" in guide("portal-guide").markdown
