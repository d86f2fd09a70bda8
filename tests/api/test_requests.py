"""Bodies are told by their bytes, whatever a header says of them, and are read in one encoding only."""

from typing import Any

import pytest
from flask import Flask

from tests.cast import Caller, Member, another_key

CHUNKED = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
"""How the web server hands on a body whose length nobody said."""


def send_chunked(caller: Caller, path: str, body: Any, **options: Any) -> Any:
    return caller.post(path, body, environ_overrides=CHUNKED, **options)


def test_a_body_in_chunks_counts_where_it_may_be_left_out(app: Flask, ada: Member, as_ada: Caller) -> None:
    second = another_key(app, ada)

    rotated = send_chunked(as_ada, f"/v1/keys/{second.shown_key_id}/rotate", {"overlap_hours": 0})

    assert rotated.status_code == 201
    assert Caller(app.test_client(), second.secret).check().json["code"] == "expired_api_key"


def test_a_reason_in_chunks_is_kept(app: Flask, ada: Member, as_ada: Caller) -> None:
    second = another_key(app, ada)

    answer = send_chunked(as_ada, f"/v1/keys/{second.shown_key_id}/revoke", {"reason": 7})

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "reason")


@pytest.mark.parametrize(
    ("body", "status"), [(b"nonsense", 400), (b"{", 400), (b" ", 400), (b"[]", 422), (b'{"overlap": 1}', 422)]
)
@pytest.mark.parametrize("how", [{}, CHUNKED])
def test_nonsense_is_refused_where_a_body_may_be_left_out(
    as_ada: Caller, ada: Member, body: bytes, status: int, how: dict[str, Any]
) -> None:
    answer = as_ada.post(f"/v1/keys/{ada.shown_key_id}/rotate", body, environ_overrides=how)

    assert answer.status_code == status


@pytest.mark.parametrize("how", [{}, CHUNKED, {"CONTENT_LENGTH": "0"}])
@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_no_body_at_all_is_no_body_whatever_the_headers_say(
    as_ada: Caller, ada: Member, how: dict[str, Any], content_type: str
) -> None:
    answer = as_ada.post(f"/v1/keys/{ada.shown_key_id}/rotate", environ_overrides=how, content_type=content_type)

    assert answer.status_code == 201


def test_a_body_in_chunks_of_another_type_is_refused(as_ada: Caller, ada: Member) -> None:
    answer = send_chunked(as_ada, f"/v1/keys/{ada.shown_key_id}/rotate", b"overlap_hours=0", content_type="text/plain")

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_a_body_in_chunks_has_an_end(as_ada: Caller) -> None:
    assert send_chunked(as_ada, "/v1/check", b" " * 20_000).json["code"] == "too_large"


def test_a_check_in_chunks_is_answered(as_ada: Caller) -> None:
    assert send_chunked(as_ada, "/v1/check", {"model": "gpt-4o", "operation": "chat"}).json["allowed"] is True


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "nonsense"])
@pytest.mark.parametrize("path", ["/v1/check", "/v1/checks", "/v1/keys", "/webhooks/stripe"])
def test_an_encoded_body_is_refused_as_such(as_ada: Caller, path: str, encoding: str) -> None:
    answer = as_ada.post(path, b"\x1f\x8b\x08", headers={"Content-Encoding": encoding})

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_encoding")
    assert answer.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["identity", " Identity ", ""])
def test_a_body_that_is_said_to_be_as_it_is_is_read(as_ada: Caller, encoding: str) -> None:
    answer = as_ada.post("/v1/check", {"model": "gpt-4o", "operation": "chat"}, headers={"Content-Encoding": encoding})

    assert answer.status_code == 200
