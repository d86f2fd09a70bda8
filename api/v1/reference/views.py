"""The description as JSON, and the methods of the addresses that are answered ahead of Flask."""

import msgspec
from flask import Blueprint, Response

from api.runtime import runtime
from api.v1.reference import openapi

bp = Blueprint("reference", __name__)


@bp.get("/openapi.json")
def openapi_document() -> Response:
    return Response(
        msgspec.json.format(msgspec.json.encode(openapi.document(runtime().settings.base_url)), indent=1),
        content_type="application/json",
        headers={"Cache-Control": "public, max-age=300"},
    )


@bp.route("/v1/check", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/v1/checks", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/api/evaluate", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/access/v1/evaluation", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/access/v1/evaluations", methods=["OPTIONS"], provide_automatic_options=False)
def options_of_checks() -> Response:
    """Flask tells the methods of its own addresses; these are answered ahead of it."""
    return Response(headers={"Allow": "OPTIONS, POST"})
