"""The reference is made of what the API is made of: every endpoint, field, fact, policy and problem, and no other."""

import re
from typing import Any

import msgspec
import pytest

from api.authentication import Forbidden, Unauthenticated
from api.keys.scopes import Scope
from api.v1.endpoint import Endpoint, declared_endpoints
from api.v1.reference.examples import PATH_PARTS, example_of, example_of_answer, example_of_response
from api.v1.reference.fields import fields_of
from core.errors import all_refusals
from portal.docs.samples import samples_of
from tests.cast import Caller
from tests.people import Browser

ENDPOINTS = pytest.mark.parametrize("endpoint", declared_endpoints(), ids=lambda one: one.slug)
SHAPES = {
    f"{endpoint.slug}-{part}": shape
    for endpoint in declared_endpoints()
    for part, shape in (("query", endpoint.query), ("body", endpoint.body), ("answer", endpoint.answer))
    if shape is not None
}


def test_the_document_has_every_endpoint_and_no_other(as_nobody: Caller) -> None:
    document = as_nobody.get("/openapi.json").json

    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert document["openapi"] == "3.1.0"
    assert told == {(endpoint.method, endpoint.path) for endpoint in declared_endpoints()}


def test_the_document_has_an_example_of_each_body_and_answer(as_nobody: Caller) -> None:
    operations = [one for path in as_nobody.get("/openapi.json").json["paths"].values() for one in path.values()]

    bodies = [one["requestBody"]["content"]["application/json"] for one in operations if "requestBody" in one]
    good = [answer for one in operations for status, answer in one["responses"].items() if status[0] == "2"]
    answers = [one["content"]["application/json"] for one in good if "application/json" in one["content"]]

    assert len(bodies) > 3
    assert len(answers) > 10
    assert [one for one in (*bodies, *answers) if not one.get("example")] == []


@pytest.mark.parametrize("name", SHAPES)
def test_every_field_says_what_it_means_and_gives_an_example(name: str) -> None:
    rows = fields_of(SHAPES[name])

    assert [row.name for row in rows if not row.meaning] == []
    assert [row.name for row in rows if not row.example and "object" not in row.kind] == []


@pytest.mark.parametrize("name", SHAPES)
def test_every_example_is_one_that_the_api_would_take(name: str) -> None:
    msgspec.convert(example_of(SHAPES[name]), SHAPES[name], strict=True)
    msgspec.convert(example_of_response(SHAPES[name]), SHAPES[name], strict=True)


def test_the_example_of_a_response_has_no_field_that_only_some_responses_have() -> None:
    found = example_of_response(SHAPES["run-a-check-answer"])

    assert {"would_pass", "derivation", "on_unreachable"}.isdisjoint(found)
    assert "fail_mode" not in found["reasons"][0]


def test_parts_of_a_field_are_named_by_their_path() -> None:
    names = [row.name for row in fields_of(SHAPES["run-a-check-answer"])]

    assert names[names.index("reasons") + 1] == "reasons[].code"


@ENDPOINTS
def test_every_endpoint_has_a_page_with_its_fields_errors_and_examples(nobody: Browser, endpoint: Endpoint) -> None:
    page = nobody.get(f"/docs/api/{endpoint.slug}").text

    assert f"{endpoint.summary}</h1>" in page
    assert f"<code>{endpoint.path}</code>" in page
    for sample in ("curl", "python", "javascript"):
        assert f'id="sample-{sample}"' in page
    for row in fields_of(endpoint.answer):
        assert f"<code>{row.name}</code>" in page


def test_an_endpoint_that_does_not_exist_has_no_page(nobody: Browser) -> None:
    assert nobody.get("/docs/api/of-nobody").status_code == 404


def test_the_pages_of_endpoints_have_addresses_of_their_own() -> None:
    slugs = [endpoint.slug for endpoint in declared_endpoints()]

    assert len(set(slugs)) == len(slugs)


def test_every_part_of_a_path_has_a_meaning_and_an_example() -> None:
    parts = {part for endpoint in declared_endpoints() for part in re.findall(r"{(\w+)}", endpoint.path)}

    assert parts == set(PATH_PARTS)


@ENDPOINTS
def test_examples_in_python_are_python(endpoint: Endpoint) -> None:
    curl, python, javascript = samples_of(endpoint, base_url="https://api.example.com")

    compile(python.code, endpoint.slug, "exec")
    for sample in (curl, python, javascript):
        assert f"https://api.example.com{endpoint.path.partition('{')[0]}" in sample.code
        assert ("AIG_KEY" in sample.code) is (endpoint.scope is not None)


def test_an_example_is_a_request_that_the_api_answers(as_ada: Caller) -> None:
    """The one that everybody copies first."""
    endpoint = next(one for one in declared_endpoints() if one.path == "/v1/check")

    assert as_ada.post("/v1/check", example_of(endpoint.body)).status_code == 200


def test_every_problem_has_a_page_that_says_what_to_do(nobody: Browser) -> None:
    for refusal in all_refusals():
        page = nobody.get(f"/docs/problems/{refusal.code}")

        assert page.status_code == 200
        assert refusal.title in page.text.replace("&#39;", "'")
    assert nobody.get("/docs/problems/nonsense").status_code == 404


def test_every_refusal_has_a_code_of_its_own() -> None:
    bases = {Unauthenticated.code, Forbidden.code}
    codes = [refusal.code for refusal in all_refusals() if refusal.code not in bases]

    assert len(codes) == len(set(codes))
    assert all(re.fullmatch("[a-z_]+", code) for code in codes)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/docs/facts", "contains_personal_data"),
        ("/docs/facts", "gen_ai.request.max_tokens"),
        ("/docs/policy-settings", "max_risk_score"),
        ("/docs/problems", "rate_limited"),
        *(("/docs/api", scope.value) for scope in Scope),
    ],
)
def test_the_lists_tell_of_facts_policies_problems_and_scopes(nobody: Browser, path: str, part: str) -> None:
    assert part in nobody.get(path).text


@pytest.mark.parametrize("path", ["/docs", "/docs/api", "/docs/api/run-a-check", "/docs/problems", "/docs/facts"])
def test_links_in_the_pages_lead_somewhere(nobody: Browser, path: str) -> None:
    page = nobody.get(path).text
    ids = set(re.findall(r'id="([^"]+)"', page))

    for link in set(re.findall(r'href="([^"]+)"', page)):
        if link.startswith("#"):
            assert link[1:] in ids
        elif link.startswith("/"):
            assert is_found(nobody, link.partition("#")[0])


def is_found(nobody: Browser, path: str) -> Any:
    with nobody.get(path) as answer:
        return answer.status_code in {200, 303}


@pytest.mark.parametrize(
    ("page", "header"),
    [
        ("run-a-check", "Idempotency-Key"),
        ("run-up-to-100-checks", "Idempotency-Key"),
        ("get-the-policy-bundle", "If-None-Match"),
    ],
)
def test_headers_that_an_endpoint_takes_are_on_its_page(nobody: Browser, page: str, header: str) -> None:
    assert f"<dt><code>{header}</code>" in nobody.get(f"/docs/api/{page}").text
    assert "Headers" not in nobody.get("/docs/api/list-decisions").text.partition('id="errors"')[0]


def test_examples_of_responses_are_those_of_their_endpoint() -> None:
    shown = {endpoint.summary: example_of_answer(endpoint) for endpoint in declared_endpoints()}

    assert shown["Revoke an API key"]["revoked_at"] is not None
    assert shown["Create an API key"]["key"]["last_used_at"] is None
    assert shown["Create an API key"]["key"]["name"] == "Ticket summaries"
    assert shown["Analyze the impact of a policy draft"]["status"] == "queued"
    for endpoint in declared_endpoints():
        assert endpoint.example.keys() <= example_of_answer(endpoint).keys(), endpoint.summary
        if endpoint.example:
            msgspec.convert(example_of_answer(endpoint), endpoint.answer, strict=True)
