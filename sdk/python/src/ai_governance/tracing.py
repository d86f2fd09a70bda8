"""A span for each check, where the host has OpenTelemetry and asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from ai_governance.decisions import CheckRequest, Decision
from ai_governance.errors import ConfigurationError
from ai_governance.version import __version__

trace: Any = None
with suppress(ImportError):  # an extra
    trace = import_module("opentelemetry.trace")

SPAN = "ai_governance.check"


class Span:
    """What is told of a check: facts that name no person and no content."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def note(self, decision: Decision) -> None:
        if self._span is None:
            return
        told = {
            "ai_governance.decision.id": decision.decision_id or decision.client_decision_id,
            "ai_governance.decision.allowed": decision.allowed,
            "ai_governance.decision.by": decision.decided_by,
            "ai_governance.reason.code": decision.reason,
            "ai_governance.risk_score": decision.risk_score,
            "ai_governance.policy.version": decision.policy_version,
        }
        for name, value in told.items():
            if value is not None:
                self._span.set_attribute(name, value)


def need_tracer() -> None:
    """Raises ConfigurationError where there is none."""
    if trace is None:
        raise ConfigurationError("trace=True needs OpenTelemetry: pip install ai-governance-client[opentelemetry]")


@contextmanager
def span_of(request: CheckRequest) -> Iterator[Span]:
    tracer = trace.get_tracer("ai_governance", __version__)
    with tracer.start_as_current_span(SPAN, kind=trace.SpanKind.CLIENT) as span:
        span.set_attribute("gen_ai.request.model", request.model)
        span.set_attribute("gen_ai.operation.name", request.operation)
        yield Span(span)
