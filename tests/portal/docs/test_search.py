"""The search finds guides, endpoints, facts, policies and problems, whatever is typed."""

import pytest

from tests.people import Browser


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("rotate", "/docs/api/rotate-an-api-key"),
        ("rotating keys", "/docs/security-and-privacy#api-keys"),
        ("rate_limited", "/docs/problems/rate_limited"),
        ("max_risk_score", "/docs/policy-settings#max_risk_score"),
        ("gen_ai.request.seed", "/docs/facts#gen_ai.request.seed"),
        ("quickst", "/docs/quickstart"),
    ],
)
def test_what_is_looked_for_is_found(nobody: Browser, words: str, path: str) -> None:
    assert f'href="{path}"' in nobody.get("/docs/search", query_string={"q": words}).text.partition("<ol>")[2]


def test_the_words_are_marked_in_the_excerpt(nobody: Browser) -> None:
    assert "<mark>" in nobody.get("/docs/search?q=pseudonym").text


@pytest.mark.parametrize(
    "words", ['"', "* OR", "a AND (", "<script>alert(1)</script>", "\x00", "-", "ü" * 500, "NEAR/2"]
)
def test_whatever_is_typed_is_answered(nobody: Browser, words: str) -> None:
    answer = nobody.get("/docs/search", query_string={"q": words})

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_nothing_found_leads_to_people(nobody: Browser) -> None:
    page = nobody.get("/docs/search?q=zzzzqqq").text

    assert "No results for" in page
    assert 'href="/support/new"' in page
