"""Where enforcement points find the addresses: of the service as a whole, and of an organization's own decision point.

The document says nothing of an organization and is the same whether there is one of that name: nobody can try names.
"""

import re

from flask import Blueprint, Response

from api.runtime import runtime
from api.v1.authzen.schema import SLUG, Configuration
from api.v1.endpoint import Endpoint, declare, json_response
from core.errors import NotFound

bp = Blueprint("authzen", __name__)

WELL_KNOWN = "/.well-known/authzen-configuration"
_SLUG = re.compile(SLUG)

_ADDRESSES = "The addresses to send evaluations to. The API key decides whose policies apply."
_OF_ONE = "For gateways that add the organization's slug. The evaluation addresses are the same."
_POINT_OF_ONE = {"policy_decision_point": "https://governance.example.com/acme-4f2a"}
for path, summary, description, refusals, example in (
    (WELL_KNOWN, "Get AuthZEN metadata", _ADDRESSES, (), {}),
    (f"{WELL_KNOWN}/{{slug}}", "Get AuthZEN metadata of an organization", _OF_ONE, (NotFound,), _POINT_OF_ONE),
):
    declare(
        Endpoint(
            method="GET",
            path=path,
            tag="AuthZEN",
            summary=summary,
            description=description,
            scope=None,
            answer=Configuration,
            example=example,
            refusals=refusals,
            is_limited=False,
        )
    )


@bp.get(WELL_KNOWN)
def configuration() -> Response:
    return _described("")


@bp.get(f"{WELL_KNOWN}/<slug>")
def configuration_of_organization(slug: str) -> Response:
    if not _SLUG.fullmatch(slug):
        raise NotFound("This is not an organization's slug. Yours is on the organization page.")
    return _described(f"/{slug}")


def _described(path: str) -> Response:
    url = runtime().settings.base_url
    found = Configuration(
        policy_decision_point=f"{url}{path}",
        access_evaluation_endpoint=f"{url}/access/v1/evaluation",
        access_evaluations_endpoint=f"{url}/access/v1/evaluations",
    )
    response = json_response(found)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
