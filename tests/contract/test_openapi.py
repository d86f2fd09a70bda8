"""The service holds to its own description: no 5xx, no undocumented answer, for whatever Schemathesis thinks of."""

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.v1.endpoint import Endpoint, declared_endpoints
from tests.cast import organization_with_key

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDPOINTS = declared_endpoints()
EXAMPLES = 30


@pytest.fixture(scope="module")
def described(session_app: Flask) -> Any:
    """Read once: what is worked out of one operation serves the others."""
    return schemathesis.openapi.from_wsgi("/openapi.json", session_app)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_answer_is_as_described(app: Flask, described: Any, endpoint: Endpoint, mode: GenerationMode) -> None:
    member = organization_with_key(app, rate_limit=1_000_000)
    operation = described[endpoint.path][endpoint.method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def holds(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {member.secret}"}, checks=CHECKS)

    if mode is GenerationMode.POSITIVE or endpoint.body or endpoint.query or "{" in endpoint.path:
        holds()
