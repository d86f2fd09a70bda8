"""The decision log over the API. A test key sees the decisions of tests only."""

import msgspec
from flask import Blueprint, Response

from api.authentication import Caller, WrongEnvironment
from api.decisions import export, schema, search, services
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.v1.endpoint import Endpoint, parse_cursor, serve
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound
from core.files import leaves_with_body, streamed
from core.ids import public_id
from core.replica import reads_replica

bp = Blueprint("api_decisions", __name__)


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/decisions",
        tag="Decisions",
        summary="List decisions",
        description=(
            "Newest first. All filters that you send must match. A test key sees test decisions only. A page can have "
            "fewer results than limit, even none. Continue until next_cursor is null."
        ),
        scope=Scope.DECISIONS_READ,
        query=schema.DecisionQuery,
        answer=schema.DecisionPage,
        refusals=(WrongEnvironment,),
    ),
)
@reads_replica
def index(caller: Caller, query: schema.DecisionQuery) -> schema.DecisionPage:
    found = search.find_page(
        caller.organization.id,
        _within_environment(caller, query),
        subject_secret=caller.organization.subject_secret,
        after=parse_cursor("dec", query.cursor),
        size=query.limit,
    )
    next_cursor = public_id("dec", found.next_after) if found.next_after else None
    return schema.DecisionPage(decisions=tuple(map(schema.view_of, found.decisions)), next_cursor=next_cursor)


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/decisions/export",
        tag="Decisions",
        summary="Export decisions",
        description=(
            "Streams the decision log, oldest first, as one JSON object per line or as CSV; compressed with gzip if "
            "you accept it. If a download breaks off, resume it with after."
        ),
        scope=Scope.DECISIONS_READ,
        query=schema.ExportQuery,
        answer=schema.DecisionView,
        media_types=tuple(export.CONTENT_TYPES.values()),
        refusals=(WrongEnvironment,),
    ),
)
def download(caller: Caller, query: schema.ExportQuery) -> Response:
    chosen = _within_environment(caller, query)

    organization, after = caller.organization, parse_cursor("dec", query.after)
    if leaves_with_body():
        with transaction():
            services.note_export(organization.id, query.format, by=caller.actor, now=utc_now())
    return streamed(
        organization.id,
        lambda: export.lines(
            services.stream(organization.id, chosen, subject_secret=organization.subject_secret, after=after),
            query.format,
        ),
        content_type=export.CONTENT_TYPES[query.format],
        file_name=f"decisions.{query.format}",
    )


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/decisions/{decision_id}",
        tag="Decisions",
        summary="Get a decision",
        description="One decision with every reason, as it was stored.",
        scope=Scope.DECISIONS_READ,
        answer=schema.DecisionView,
        refusals=(NotFound, WrongEnvironment),
    ),
)
def show(caller: Caller, decision_id: str) -> schema.DecisionView:
    decision = schema.view_of(services.find(caller.organization.id, decision_id))
    if caller.key.environment == KeyEnvironment.TEST and decision.environment != KeyEnvironment.TEST:
        raise WrongEnvironment
    return decision


def _within_environment(caller: Caller, chosen: schema.DecisionFilter) -> schema.DecisionFilter:
    if caller.key.environment == KeyEnvironment.LIVE:
        return chosen
    if chosen.environment == KeyEnvironment.LIVE:
        raise WrongEnvironment
    return msgspec.structs.replace(chosen, environment=KeyEnvironment.TEST)
