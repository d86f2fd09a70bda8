"""The signed policies of an API key, and the public keys that verify them."""

from typing import Annotated

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from api.authentication import Caller, secret_of
from api.bundles import services, signing_keys
from api.keys.scopes import Scope
from api.policies.bundle import Bundle
from api.runtime import runtime
from api.v1.endpoint import Endpoint, declare, json_response, serve
from core.clock import utc_now
from core.errors import JSON_CONTENT_TYPE, ServiceUnavailable
from core.tokens import digest_of

bp = Blueprint("api_bundles", __name__)

BUNDLE_PATH, KEYS_PATH = "/v1/policy/bundle", "/v1/policy/bundle-keys"
SIGNATURE_HEADER = "Policy-Signature"
MAX_WAIT_S = 50


class BundleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wait: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_WAIT_S,
            description="With If-None-Match: seconds to wait for a change before the response is 304.",
            examples=[25],
        ),
    ] = 0


@serve(
    bp,
    Endpoint(
        method="GET",
        path=BUNDLE_PATH,
        tag="Policies",
        summary="Get the policy bundle",
        description=(
            "The active policies, signed, for an SDK that decides locally. The header Policy-Signature contains the ID "
            "of the signing key and an Ed25519 signature over the exact bytes of the body, in base64. The key also "
            "needs the scope checks:write. With If-None-Match, the response is 304 while nothing has changed."
        ),
        scope=Scope.POLICIES_READ,
        query=BundleQuery,
        is_conditional=True,
        answer=Bundle,
        refusals=(ServiceUnavailable,),
    ),
)
def show(caller: Caller, query: BundleQuery) -> Response:  # noqa: ARG001  see there
    """`query.wait` was waited for on the event loop, before this was asked (`bundle_waiting`)."""
    caller.need(Scope.CHECKS_WRITE)
    settings, policy, now = runtime().settings, caller.organization.policy, utc_now()
    if policy is None:
        raise ServiceUnavailable
    digest = digest_of(secret_of(request.headers["Authorization"]))
    bundle = services.bundle_for(caller.key, digest, policy, settings, now=now)
    response = Response(bundle.body, content_type=JSON_CONTENT_TYPE)
    response.headers[SIGNATURE_HEADER] = bundle.signature
    response.headers["ETag"] = services.etag_of(caller.key, policy, settings, now=now)
    response.make_conditional(request.environ)
    return response


declare(
    Endpoint(
        method="GET",
        path=KEYS_PATH,
        tag="Policies",
        summary="List bundle keys",
        description="The public keys that verify policy bundles. Pin the first one in your program.",
        scope=None,
        answer=signing_keys.BundleKeys,
        is_limited=False,
    )
)


@bp.get(KEYS_PATH)
def bundle_keys() -> Response:
    return json_response(signing_keys.published(runtime().settings))
