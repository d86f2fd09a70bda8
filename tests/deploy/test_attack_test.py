"""The attack test: what it takes for broken out, and how it fills an address."""

import pytest
from werkzeug.datastructures import Headers

from deploy.attack_test.attack import is_broken_out, path_of
from deploy.attack_test.instance import SCRIPT

HTML = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "script-src 'self'"}


@pytest.mark.parametrize(
    ("body", "headers", "is_fault"),
    [
        ("&lt;script&gt;alert(1)&lt;/script&gt;", HTML, False),
        (SCRIPT, HTML, True),
        ("<img src=x onerror=alert(1)>", HTML, True),
        ("<p>Fine</p>", {**HTML, "Content-Security-Policy": "script-src 'self' 'unsafe-inline'"}, True),
        ("<p>Fine</p>", {"Content-Type": "text/html"}, True),
        (SCRIPT, {"Content-Type": "application/json"}, False),
    ],
)
def test_text_that_became_markup_is_a_fault_on_a_page(body: str, headers: dict[str, str], is_fault: bool) -> None:
    assert is_broken_out(body.encode(), Headers(headers)) is is_fault


def test_the_text_goes_into_every_part_that_takes_text() -> None:
    assert path_of("/a/<uuid:one>/<any(keep, drop):verb>/<name>/<int:n>", "' OR") == (
        "/a/00000000-0000-7000-8000-000000000000/keep/%27%20OR/1"
    )
