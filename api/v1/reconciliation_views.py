"""Decisions that an SDK made while it could not reach us."""

from flask import Blueprint, request

from api.authentication import Caller
from api.content.refusal import ContentRefused, TooManyNames, parse_batch_without_content
from api.decisions import reconciliation
from api.keys.scopes import Scope
from api.recording.recorder import DecisionNotRecorded
from api.runtime import runtime
from api.v1.check_calls import MAX_BATCH_BYTES
from api.v1.endpoint import Endpoint, serve
from api.v1.requests import read_body
from core.clock import utc_now
from core.db import acting_as_system, transaction

bp = Blueprint("api_reconciliation", __name__)


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/decisions/reconcile",
        tag="Decisions",
        summary="Reconcile decisions",
        description=(
            "Adds decisions that an SDK made offline or locally. Each is evaluated again with the active policies or, "
            "in mode local, with the policy version it names. It appears in the decision log once, with both results, "
            "however often it is sent."
        ),
        scope=Scope.CHECKS_WRITE,
        body=reconciliation.Reconciliation,
        reads_body_itself=True,
        answer=reconciliation.ReconciliationAnswer,
        refusals=(ContentRefused, TooManyNames, DecisionNotRecorded),
    ),
)
def reconcile(caller: Caller) -> reconciliation.ReconciliationAnswer:
    room, now = runtime(), utc_now()
    parsed, refusals = parse_batch_without_content(
        read_body(request.environ, at_most_bytes=MAX_BATCH_BYTES), items_under="decisions"
    )
    reconciled = reconciliation.reconcile(
        reconciliation.items_of(parsed),
        refusals,
        caller=caller,
        reader=room.reader,
        recorder=room.keyed_recorder,
        base_url=room.settings.base_url,
        now=now,
    )
    with acting_as_system(), transaction():
        reconciliation.note(reconciled, caller=caller, now=now)
    return reconciliation.ReconciliationAnswer(results=reconciled.items, request_id=caller.request_id)
