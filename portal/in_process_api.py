"""A check sent to our own API from a page: through all that a customer's request goes through but the network."""

from typing import Any

import msgspec
from flask import current_app
from werkzeug.test import Client

from core.access import address
from core.current import settings


def send_check(secret: str, question: dict[str, Any]) -> tuple[int, bytes]:
    """The status and the body of the response. The visitor's address counts as the caller's."""
    answer = Client(current_app.wsgi_app).post(
        "/v1/check",
        base_url=settings().base_url,
        data=msgspec.json.encode(question),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
        environ_base={"REMOTE_ADDR": address()},
    )
    return answer.status_code, answer.data
