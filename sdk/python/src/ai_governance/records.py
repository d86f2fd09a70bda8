"""What a client reads and changes beside checks: the decision log, API keys and policies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ai_governance.calls import Calls
from ai_governance.decisions import ApiKey, DecisionRecord, Policies, PolicyDraft
from ai_governance.errors import UnavailableError

EXPORT_TIMEOUT_S = 30.0
MOST_AT_ONCE = 100
_DRAFTS = "/v1/policy/drafts"


class Records:
    _calls: Calls

    def decisions(self, *, limit: int | None = None, **filters: Any) -> Iterator[DecisionRecord]:
        """The decision log, newest first. Filters are those of the API: model, allowed, from_, to, …"""
        query = {**_query(filters), "limit": min(limit or MOST_AT_ONCE, MOST_AT_ONCE)}
        left = limit
        for page in self._pages("/v1/decisions", query):
            for one in page["decisions"][:left]:
                yield DecisionRecord.from_json(one)
            left = None if left is None else left - len(page["decisions"])
            if left is not None and left <= 0:
                return

    def decision(self, decision_id: str) -> DecisionRecord:
        """One decision. Raises NotFoundError."""
        return DecisionRecord.from_json(self._calls.fetch("GET", f"/v1/decisions/{quote(decision_id, safe='')}"))

    def export_decisions(self, **filters: Any) -> Iterator[DecisionRecord]:
        """All that fit, oldest first, as they arrive. Raises UnavailableError where the export was cut short."""
        for line in self._calls.lines(f"/v1/decisions/export?{urlencode(_query(filters))}", timeout_s=EXPORT_TIMEOUT_S):
            record = json.loads(line)
            if record.get("complete") is True:
                return
            yield DecisionRecord.from_json(record)
        raise UnavailableError("The export was cut short: its last line is missing.")

    def inspect_key(self) -> Mapping[str, Any]:
        """What this client's API key is good for just now. Counts as one request."""
        found: Mapping[str, Any] = self._calls.fetch("POST", "/api/evaluate")
        return found

    def keys(self) -> Iterator[ApiKey]:
        """API keys, newest first."""
        for page in self._pages("/v1/keys", {"limit": MOST_AT_ONCE}):
            yield from map(ApiKey.from_json, page["keys"])

    def create_key(self, name: str, **options: Any) -> ApiKey:
        """A new key; its `secret` is shown this once. Options are those of the API: environment, scopes, …"""
        issued = self._calls.fetch("POST", "/v1/keys", {"name": name, **options})
        return ApiKey.from_json(issued["key"], secret=issued["secret"])

    def rotate_key(self, key_id: str, *, overlap_hours: float | None = None) -> ApiKey:
        body = {} if overlap_hours is None else {"overlap_hours": overlap_hours}
        issued = self._calls.fetch("POST", f"/v1/keys/{quote(key_id, safe='')}/rotate", body)
        return ApiKey.from_json(issued["key"], secret=issued["secret"])

    def revoke_key(self, key_id: str, *, reason: str | None = None) -> ApiKey:
        body = {} if reason is None else {"reason": reason}
        return ApiKey.from_json(self._calls.fetch("POST", f"/v1/keys/{quote(key_id, safe='')}/revoke", body))

    def policies(self) -> Policies:
        """All policies, and the version in force."""
        return Policies.from_json(self._calls.fetch("GET", "/v1/policies"))

    def update_policy(self, key: str, value: Any, *, expected_version: int | None = None) -> int:
        """Sets one policy; the version in force from now on. Raises PolicyChangedError."""
        body = {"value": value} if expected_version is None else {"value": value, "expected_version": expected_version}
        version: int = self._calls.fetch("PATCH", f"/v1/policies/{quote(key, safe='')}", body)["version"]
        return version

    def policy_drafts(self) -> list[PolicyDraft]:
        """The open drafts, the last changed first."""
        return [PolicyDraft.from_json(one) for one in self._calls.fetch("GET", _DRAFTS)["drafts"]]

    def create_policy_draft(self, name: str, values: Mapping[str, Any], *, note: str = "") -> PolicyDraft:
        """The active policies with these values. It has no effect on checks until it is published."""
        body = {"name": name, "note": note, "policies": dict(values)}
        return PolicyDraft.from_json(self._calls.fetch("POST", _DRAFTS, body))

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """Page after page, each asked for when the one before was taken."""
        cursor: dict[str, str] = {}
        while True:
            page = self._calls.fetch("GET", f"{path}?{urlencode({**query, **cursor})}")
            yield page
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}


def _query(filters: Mapping[str, Any]) -> dict[str, Any]:
    """`from` is a word of Python, so it is given as `from_`."""
    given = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
