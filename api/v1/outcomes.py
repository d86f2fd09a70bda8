"""What became of requests to the check API, for Prometheus and for the organization's own counts."""

from collections.abc import Sequence
from datetime import datetime

from api.checks import service
from api.runtime import Runtime
from api.v1.check_calls import Call
from api.v1.limit_headers import RateLimited
from core.clock import monotonic_s, utc_now
from core.observability import note_check_requests, note_request


class Outcomes:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def note(self, calls: Sequence[Call], statuses: Sequence[int]) -> None:
        """Of answers that leave together: Prometheus is told once for all that are alike."""
        ended_s, now = monotonic_s(), utc_now()
        service.count([one for call in calls if call.refusal is None for one in call.decisions()])
        alike: dict[tuple[int, str | None], int] = {}
        for call, status in zip(calls, statuses, strict=True):
            outcome = status, self._note(call, status, ended_s - call.started_s, now)
            alike[outcome] = alike.get(outcome, 0) + 1
        for (status, environment), times in alike.items():
            note_check_requests(status, environment, times)

    def _note(self, call: Call, status: int, seconds: float, at: datetime) -> str | None:
        """A caller that is not known counts for nobody. Gives the environment of its key."""
        note_request(call.environ["REQUEST_METHOD"], call.environ["PATH_INFO"], status, seconds)
        caller = getattr(call, "caller", None)
        if caller is None:
            self._runtime.requests.note(None, key_id=None, environment=None, status=status, seconds=seconds, at=at)
            return None
        organization_id, key = caller.organization.id, caller.key
        self._runtime.requests.note(
            organization_id, key_id=key.id, environment=key.environment, status=status, seconds=seconds, at=at
        )
        self._note_refusals(call, at)
        if call.limit is not None:
            self._runtime.limit_minutes.note(
                organization_id,
                key.id,
                call.limit,
                decisions=0 if call.refusal else len(call.decisions()),
                is_limited=isinstance(call.refusal, RateLimited),
                at=at,
            )
        return str(key.environment)

    def _note_refusals(self, call: Call, at: datetime) -> None:
        for refusal in call.refusals():
            policy = call.caller.organization.policy
            self._runtime.refused.note(
                call.caller.organization.id,
                refusal,
                environment=call.caller.key.environment,
                request_id=call.request_id,
                custom_facts=policy.document.custom_facts if policy else (),
                at=at,
            )
