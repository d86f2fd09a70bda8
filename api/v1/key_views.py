"""Keys over the API. A key sees and changes keys of its own environment only, and grants no scope it lacks."""

from datetime import datetime, timedelta
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

from flask import Blueprint

from api.authentication import Caller, Forbidden, WrongEnvironment
from api.keys import lookup, services
from api.keys.models import ApiKey
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.limits.window import DEFAULT_LIMIT
from api.v1.endpoint import Endpoint, parse_cursor, serve
from api.v1.key_schema import (
    KeyCreate,
    KeyIssued,
    KeyPage,
    KeyQuery,
    KeyRevoke,
    KeyRotate,
    KeyView,
    issued_view,
    view_of,
)
from core.clock import utc_now
from core.db import transaction
from core.errors import FieldProblem, InvalidRequest, NotFound
from core.ids import parse_public_id, public_id
from core.network import plain_network
from core.sample_ids import A_YEAR_LATER, NEW_KEY_ID, STORED_AT

bp = Blueprint("api_keys", __name__)
_NEVER_USED = {"last_used_at": None, "last_used_address": None}


class ScopeNotHeld(Forbidden):
    code, title = "scope_not_held", "An API key cannot grant scopes that it does not have"
    advice = "Request only scopes that this key has, or use a key with more scopes."


class BroaderThanOwn(Forbidden):
    code, title = (
        "broader_than_own",
        "An API key cannot create or rotate a key with a later expiry, more networks or a higher limit than its own",
    )
    advice = (
        "Request no later expiry, no more networks and no higher limit than this key has. Otherwise, use a key that "
        "has them."
    )


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/keys",
        tag="Keys",
        summary="List API keys",
        description="Keys in the same environment as the key you send, newest first, without their secrets.",
        scope=Scope.KEYS_READ,
        query=KeyQuery,
        answer=KeyPage,
        refusals=(WrongEnvironment,),
    ),
)
def index(caller: Caller, query: KeyQuery) -> KeyPage:
    environment = _visible_environment(caller, query.environment)
    after = parse_cursor("key", query.cursor)
    found = lookup.list_page(caller.organization.id, environment=environment, after=after, size=query.limit + 1)
    page = found[: query.limit]
    next_cursor = public_id("key", page[-1].id) if len(found) > query.limit else None
    return KeyPage(keys=tuple(map(view_of, page)), next_cursor=next_cursor)


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/keys",
        tag="Keys",
        summary="Create an API key",
        description="Only this response contains the secret. A key can grant no more than it has itself.",
        scope=Scope.KEYS_WRITE,
        body=KeyCreate,
        answer=KeyIssued,
        example={"key": {**_NEVER_USED, "expires_at": A_YEAR_LATER}},
        status=HTTPStatus.CREATED,
        refusals=(
            WrongEnvironment,
            ScopeNotHeld,
            BroaderThanOwn,
            services.KeyNameTaken,
            services.KeyLimitReached,
            services.LiveKeysNotYet,
            services.OrganizationInactive,
        ),
    ),
)
def create(caller: Caller, body: KeyCreate) -> KeyIssued:
    _need_environment(caller, body.environment)
    _need_held(caller, body.scopes)
    with transaction():
        issued = services.issue(
            caller.organization.id,
            name=body.name,
            environment=body.environment,
            scopes=body.scopes,
            rate_limit=_within_plan(caller, body.rate_limit),
            allowed_networks=_within_own_networks(caller, body.allowed_networks),
            expires_at=_within_own_life(caller, body.expires_at),
            by=caller.actor,
            now=utc_now(),
        )
        return issued_view(issued)


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/keys/{key_id}/rotate",
        tag="Keys",
        summary="Rotate an API key",
        description="Creates a key with the same name, scopes and limits. The old key stays active for the overlap.",
        scope=Scope.KEYS_WRITE,
        body=KeyRotate,
        body_is_optional=True,
        answer=KeyIssued,
        example={"key": {**_NEVER_USED, "id": NEW_KEY_ID}},
        status=HTTPStatus.CREATED,
        refusals=(
            WrongEnvironment,
            ScopeNotHeld,
            BroaderThanOwn,
            NotFound,
            services.KeyAlreadyRotated,
            services.RotationUnfinished,
            services.KeyNotInUse,
            services.LiveKeysNotYet,
            services.OrganizationInactive,
        ),
    ),
)
def rotate(caller: Caller, key_id: str, body: KeyRotate) -> KeyIssued:
    with transaction():
        key = lookup.find(caller.organization.id, _parse_id(key_id))
        _need_environment(caller, KeyEnvironment(key.environment))
        _need_held(caller, tuple(map(Scope, key.scopes)))
        _need_no_broader(caller, key)
        issued = services.rotate(
            caller.organization.id,
            key.id,
            overlap=timedelta(hours=body.overlap_hours),
            by=caller.actor,
            now=utc_now(),
        )
        return issued_view(issued)


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/keys/{key_id}/revoke",
        tag="Keys",
        summary="Revoke an API key",
        description="The key stops working within a second, everywhere. Revoking it again changes nothing.",
        scope=Scope.KEYS_WRITE,
        body=KeyRevoke,
        body_is_optional=True,
        answer=KeyView,
        example={"revoked_at": STORED_AT},
        refusals=(WrongEnvironment, NotFound),
    ),
)
def revoke(caller: Caller, key_id: str, body: KeyRevoke) -> KeyView:
    with transaction():
        key = lookup.find(caller.organization.id, _parse_id(key_id))
        _need_environment(caller, KeyEnvironment(key.environment))
        return view_of(
            services.revoke(caller.organization.id, key.id, reason=body.reason, by=caller.actor, now=utc_now())
        )


def _parse_id(text: str) -> UUID:
    key_id = parse_public_id("key", text)
    if key_id is None:
        raise NotFound(lookup.NOT_FOUND)
    return key_id


def _visible_environment(caller: Caller, asked: KeyEnvironment | None) -> KeyEnvironment:
    own = KeyEnvironment(caller.key.environment)
    if asked is not None:
        _need_environment(caller, asked)
    return own


def _need_environment(caller: Caller, environment: KeyEnvironment) -> None:
    if caller.key.environment != environment:
        raise WrongEnvironment


def _need_held(caller: Caller, scopes: tuple[Scope, ...]) -> None:
    lacking = sorted(scope.value for scope in scopes if scope.value not in caller.key.scopes)
    if lacking:
        raise ScopeNotHeld(f"This key lacks {', '.join(lacking)}. Request only scopes that it has.")


def _need_no_broader(caller: Caller, key: ApiKey) -> None:
    """A rotated key's secret goes to the caller: what it may not create, it may not receive either."""
    own = caller.key
    if own.expires_at is not None and (key.expires_at is None or key.expires_at > own.expires_at):
        raise BroaderThanOwn("This key cannot rotate a key that expires later than itself.")
    is_anywhere = not key.allowed_networks
    if own.networks and (is_anywhere or not all(_is_part_of(one, own.networks) for one in key.allowed_networks)):
        raise BroaderThanOwn("This key cannot rotate a key with networks that are not allowed for itself.")
    plan = _limit_of_plan(caller)
    if (key.rate_limit or plan) > (own.rate_limit or plan):
        raise BroaderThanOwn("This key cannot rotate a key with a higher limit than its own.")


def _within_plan(caller: Caller, rate_limit: int | None) -> int | None:
    plan, own = _limit_of_plan(caller), caller.key.rate_limit
    most = min(plan, own or plan)
    if rate_limit is not None and not 1 <= rate_limit <= most:
        fault = FieldProblem("rate_limit", "out_of_range", f"This key can set 1 to {most} requests per minute.")
        raise InvalidRequest(errors=(fault,))
    return rate_limit or (most if most < plan else None)


def _limit_of_plan(caller: Caller) -> int:
    return caller.organization.check_limit or DEFAULT_LIMIT


def _within_own_life(caller: Caller, expires_at: datetime | None) -> datetime | None:
    own = caller.key.expires_at
    if own is not None and expires_at is not None and expires_at > own:
        raise BroaderThanOwn("This key cannot create a key that expires later than itself.")
    return expires_at or own


def _within_own_networks(caller: Caller, networks: tuple[str, ...]) -> tuple[str, ...]:
    own = caller.key.networks
    if own and not all(_is_part_of(network, own) for network in networks):
        raise BroaderThanOwn("This key cannot create a key with networks that are not allowed for itself.")
    return networks or tuple(map(str, own))


def _is_part_of(network: str, own: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        asked = plain_network(network)
    except ValueError:
        return True  # refused by name where keys are made
    return any(asked.version == one.version and asked.subnet_of(one) for one in own)  # type: ignore[arg-type]
