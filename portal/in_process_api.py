"""A request sent to our own API from a page: through all that a customer's request goes through but the network."""

from typing import Any

import msgspec
from flask import current_app
from werkzeug.test import Client

from api.keys.token import KeyEnvironment, is_well_formed
from core.access import address
from core.current import settings
from core.errors import JSON_CONTENT_TYPE


def send_check(secret: str, question: dict[str, Any]) -> tuple[int, bytes]:
    """The status and the body of the response."""
    return send(secret, "POST", "/v1/check", body=msgspec.json.encode(question))


def send(secret: str, method: str, path: str, *, body: bytes | None = None, query: str = "") -> tuple[int, bytes]:
    """The status and the body of the response. The visitor's address counts as the caller's."""
    answer = Client(current_app.wsgi_app).open(
        path,
        method=method,
        base_url=settings().base_url,
        query_string=query,
        data=body,
        content_type=JSON_CONTENT_TYPE if body is not None else None,
        headers={"Authorization": f"Bearer {secret}"},
        environ_base={"REMOTE_ADDR": address()},
    )
    return answer.status_code, answer.data


def fault_of_test_key(secret: str) -> str | None:
    """Why a page does not send with this secret, or None: live keys belong in software alone."""
    if not is_well_formed(secret):
        return "This is not a valid API key. Check that you copied the whole key."
    if not secret.startswith(f"aig_{KeyEnvironment.TEST}_"):
        return "Use a test key here. Use live keys only in your software."
    return None
