"""The description as JSON and as pages, and a page for each problem."""

import msgspec
from flask import Blueprint, Response, render_template

from api.keys.scopes import MEANING
from api.policies.document import POLICY_KEYS, PolicyDocument, describe
from api.runtime import runtime
from api.v1.endpoint import declared_endpoints
from api.v1.reference import openapi
from api.v1.reference.fields import fields_of
from api.vocabulary import ALIASES, BUILT_IN
from core.errors import AppError, NotFound, all_refusals

bp = Blueprint("reference", __name__, template_folder="../../templates")


@bp.get("/openapi.json")
def openapi_document() -> Response:
    return Response(
        msgspec.json.format(msgspec.json.encode(openapi.document(runtime().settings.base_url)), indent=1),
        content_type="application/json",
        headers={"Cache-Control": "public, max-age=300"},
    )


@bp.get("/docs")
def index() -> str:
    endpoints = declared_endpoints()
    defaults = PolicyDocument()
    return render_template(
        "api/reference.html",
        base_url=runtime().settings.base_url,
        groups={tag: [e for e in endpoints if e.tag == tag] for tag in dict.fromkeys(e.tag for e in endpoints)},
        refusals_of=openapi.refusals_of,
        fields_of=fields_of,
        facts=BUILT_IN.values(),
        aliases=ALIASES,
        scopes=MEANING,
        policies=[(key, *describe(key), msgspec.json.encode(getattr(defaults, key)).decode()) for key in POLICY_KEYS],
        problems=_problems_of_the_api(),
    )


@bp.get("/docs/problems/<code>")
def problem(code: str) -> str:
    refusal = next((one for one in all_refusals() if one.code == code), None)
    if refusal is None:
        raise NotFound("Problem not found. All problems are listed at the end of /docs.")
    endpoints = [e for e in declared_endpoints() if refusal in openapi.refusals_of(e)]
    return render_template("api/problem.html", problem=refusal, endpoints=endpoints)


def _problems_of_the_api() -> list[type[AppError]]:
    """Every refusal that an address of the API may answer with; pages have refusals of their own."""
    found = {refusal.code: refusal for endpoint in declared_endpoints() for refusal in openapi.refusals_of(endpoint)}
    return [found[code] for code in sorted(found)]


@bp.route("/v1/check", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/v1/checks", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/api/evaluate", methods=["OPTIONS"], provide_automatic_options=False)
def options_of_checks() -> Response:
    """Flask tells the methods of its own addresses; these are answered ahead of it."""
    return Response(headers={"Allow": "OPTIONS, POST"})
