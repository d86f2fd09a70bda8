"""The API is described by what it is made of."""

import re

import pytest

from api.authentication import Forbidden, Unauthenticated
from api.keys.scopes import Scope
from api.v1.endpoint import declared_endpoints
from core.errors import all_refusals
from tests.cast import Caller


def test_the_document_has_every_endpoint_and_no_other(as_nobody: Caller) -> None:
    document = as_nobody.get("/openapi.json").json

    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert document["openapi"] == "3.1.0"
    assert told == {(endpoint.method, endpoint.path) for endpoint in declared_endpoints()}


def test_every_problem_has_a_page_that_says_what_to_do(as_nobody: Caller) -> None:
    for refusal in all_refusals():
        page = as_nobody.get(f"/docs/problems/{refusal.code}")

        assert page.status_code == 200
        assert refusal.title in page.text.replace("&#39;", "'")
    assert as_nobody.get("/docs/problems/nonsense").status_code == 404


def test_every_refusal_has_a_code_of_its_own() -> None:
    bases = {Unauthenticated.code, Forbidden.code}
    codes = [refusal.code for refusal in all_refusals() if refusal.code not in bases]

    assert len(codes) == len(set(codes))
    assert all(re.fullmatch("[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("part", ["contains_personal_data", "max_risk_score", "rate_limited", *Scope])
def test_the_page_tells_of_facts_policies_problems_and_scopes(as_nobody: Caller, part: str) -> None:
    assert part in as_nobody.get("/docs").text


def test_links_in_the_page_lead_somewhere(as_nobody: Caller) -> None:
    page = as_nobody.get("/docs").text
    ids = set(re.findall(r'id="([^"]+)"', page))

    for link in set(re.findall(r'href="([^"]+)"', page)):
        if link.startswith("#"):
            assert link[1:] in ids
        elif link.startswith("/"):
            with as_nobody.get(link.partition("#")[0]) as answer:
                assert answer.status_code == 200
