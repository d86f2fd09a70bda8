"""The SDK's HTTP client that never leaves the house. Requests with the same idempotency key are carried out once."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import stripe

from local.stripe_sandbox import catalog, checkout, customers, invoices, meter, store, subscriptions
from local.stripe_sandbox.forms import read_form
from local.stripe_sandbox.routes import play

PLAYERS = (catalog, customers, checkout, subscriptions, invoices, meter)
"""Imported, so that what they play is known."""


class Sandbox(stripe.HTTPClient):
    name = "sandbox"

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        address = urlsplit(url)
        params = read_form(post_data if method.upper() == "POST" else address.query)
        key = (headers or {}).get("Idempotency-Key")
        status, body = self._answer_once(method.upper(), address.path, params or {}, key)
        return msgspec.json.encode(body).decode(), status, {"Request-Id": store.new_id("req")}

    def close(self) -> None:
        pass

    def _answer_once(
        self, method: str, path: str, params: dict[str, Any], key: str | None
    ) -> tuple[int, dict[str, Any]]:
        if key is None or method != "POST":
            return self._answer(method, path, params)
        store.wait_for_turn(f"key:{key}")
        kept = store.find(f"key:{key}", "idempotency")
        if kept is not None:
            if (kept["path"], kept["params"]) != (path, params):
                message = "Keys for idempotent requests can only be used with the same parameters."
                return 400, {"error": {"type": "idempotency_error", "message": message}}
            return kept["status"], kept["body"]
        status, body = self._answer(method, path, params)
        kept = {"id": f"key:{key}", "path": path, "params": params, "status": status, "body": body}
        store.save(kept, kind="idempotency")
        return status, body

    def _answer(self, method: str, path: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            return 200, play(method, path, params)
        except store.Refused as refused:
            return refused.status, {"error": refused.error}
