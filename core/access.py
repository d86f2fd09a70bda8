"""Who may open a page. Every page says it beside its route; one that does not cannot be registered."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from functools import wraps
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import flask_login
from flask import Blueprint, Flask, g, has_request_context, redirect, request
from flask_login import LoginManager
from flask_wtf.csrf import CSRFError, CSRFProtect

from core import current, sessions
from core.accounts import OrganizationStatus
from core.audit import Actor, ActorKind
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.errors import FormExpired, OperatorsOnly, OrganizationReadOnly, OtherOrganization, RoleNeeded
from core.htmx import is_htmx, see_other
from core.members import Role
from core.network import client_address
from core.sessions import ActiveMembership, CurrentUser
from core.settings import Settings
from core.views import ViewResponse

MOST_BYTES = 1_000_000
"""What a form may send. The API reads its bodies itself, with limits of its own."""
MOST_HELD_BYTES = 400_000
"""Of a form that its sender need not fill in again after proving who they are; sealed it is half as long again."""
SIGN_IN_PAGE, CONFIRM_PAGE, PROVE_PAGE = "/log-in", "/confirm-address", "/prove-it"
SECOND_FACTOR_PAGE, NO_ORGANIZATION_PAGE = "/account/security", "/organizations"

csrf = CSRFProtect()
login_manager = LoginManager()
login_manager.session_protection = None  # sessions are rows that can be ended; the cookie holds nothing else


class Audience(StrEnum):
    """Whom a page is for."""

    ANYBODY = "everybody"
    ARRIVED = "whoever is signed in, also with an unconfirmed address"
    SIGNED_IN = "whoever is signed in"
    VIEWER = "members"
    DEVELOPER = "developers, admins, owners"
    BILLING = "billing, admins, owners"
    ADMIN = "admins, owners"
    OWNER = "owners"
    OPERATOR = "operators"


ROLES_OF = {
    Audience.VIEWER: frozenset(Role),
    Audience.DEVELOPER: frozenset({Role.OWNER, Role.ADMIN, Role.DEVELOPER}),
    Audience.BILLING: frozenset({Role.OWNER, Role.ADMIN, Role.BILLING}),
    Audience.ADMIN: frozenset({Role.OWNER, Role.ADMIN}),
    Audience.OWNER: frozenset({Role.OWNER}),
}


_IN_USE = frozenset({OrganizationStatus.SANDBOX, OrganizationStatus.LIVE})


class Redirected(Exception):
    """The visitor has to go somewhere else first."""

    def __init__(self, path: str, *, and_back: bool = True) -> None:
        super().__init__(path)
        self.path = path
        self.and_back = and_back


class Pages(Blueprint):
    """A blueprint of pages for people, each open to whom it says and to nobody else."""

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Any = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        if view_func is None or audience_of(view_func) is None:
            raise TypeError(f"{rule} does not say whom it is open to. Put @open_to(...) under its route.")
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        SESSION_COOKIE_NAME="__Host-aig" if settings.is_https else "aig",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=MOST_BYTES,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # the form's token is enough, and pages at secret addresses send no referrer
        WTF_CSRF_SECRET_KEY=[*reversed(settings.secret_keys)],  # the last one signs
    )
    csrf.init_app(app)
    login_manager.init_app(app)
    app.register_error_handler(Redirected, _lead_elsewhere)
    app.jinja_env.globals["active_membership"] = _membership_held
    app.context_processor(lambda: {"visitor": None if g.get("has_failed") else current_user_or_none()})


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(token: str) -> CurrentUser | None:
    with acting_as_system(), transaction():
        return sessions.find_current_user(token, now=utc_now())


def open_to(
    access: Audience, *, fresh: bool = False, while_inactive: bool = False, most_bytes: int = MOST_BYTES
) -> Callable[[Callable[..., ViewResponse]], Callable[..., ViewResponse]]:
    """Declares whom a page is for; `fresh` asks them to have proved lately who they are.

    Members change things only while their organization is in use, unless `while_inactive` says that they may
    while it is suspended or closing too. Runs the view so that it sees the visitor's organization, or for operators all
    of them.
    Forms are checked for their token.
    """

    def decorate(view: Callable[..., ViewResponse]) -> Callable[..., ViewResponse]:
        @wraps(view)
        def run(**parts: Any) -> ViewResponse:
            request.max_content_length = most_bytes
            _admit(access, fresh=fresh, while_inactive=while_inactive)
            with _scope_of(access):
                return view(**parts)

        run.access, run.asks_proof = access, fresh  # type: ignore[attr-defined]
        return run

    return decorate


def audience_of(view: Any) -> Audience | None:
    return getattr(view, "access", None)


def asks_proof(view: Any) -> bool:
    """Whether the view wants its visitor to have proved lately who they are."""
    return getattr(view, "asks_proof", False)


def may(access: Audience, *, while_inactive: bool = False) -> bool:
    """Whether the visitor could do what is open to these roles, for pages that offer it."""
    held = active_membership()
    return held.role in ROLES_OF[access] and (while_inactive or held.status in _IN_USE)


def current_user() -> CurrentUser:
    """Whoever is signed in. For pages that are not for everybody."""
    return cast("CurrentUser", flask_login.current_user._get_current_object())  # noqa: SLF001  how the proxy gives its object


def current_user_or_none() -> CurrentUser | None:
    """Nobody is signed in where there is no request: in jobs and commands, which write mails."""
    return current_user() if has_request_context() and flask_login.current_user.is_authenticated else None


def active_membership() -> ActiveMembership:
    """From where the visitor looks. For pages of members."""
    held = current_user().membership
    if held is None:
        raise Redirected(NO_ORGANIZATION_PAGE)
    return held


def _membership_held() -> ActiveMembership | None:
    """For forms: which organization they are about."""
    who = current_user_or_none()
    return who.membership if who else None


def actor() -> Actor:
    """The visitor, as the audit log tells of them."""
    who = current_user_or_none()
    if who is None:
        return Actor(kind=ActorKind.SYSTEM, address=address(), request_id=g.request_id)
    return who.actor(address=address(), request_id=g.request_id)


def operator() -> Actor:
    """The visitor, acting for us."""
    return Actor(kind=ActorKind.OPERATOR, id=current_user().user_id, address=address(), request_id=g.request_id)


def address() -> str:
    return client_address(request.environ, trusted_hops=current.settings().trusted_proxy_hops)


def safe_path(wanted: str | None, *, otherwise: str = "/") -> str:
    """A path of our own that may be gone to after signing in; never another site."""
    if not wanted:
        return otherwise
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_ours else otherwise


def _admit(access: Audience, *, fresh: bool, while_inactive: bool) -> None:
    is_change = request.method not in {"GET", "HEAD", "OPTIONS"}
    if access is not Audience.ANYBODY:
        _need_person(access)
    if is_change:
        _need_own_form()
    if access in ROLES_OF:
        if active_membership().role not in ROLES_OF[access]:
            who = " and ".join(access.rsplit(", ", 1))
            raise RoleNeeded(f"Only {who} can do this. Ask one of them, or ask for a different role.")
        if is_change and not while_inactive and active_membership().status not in _IN_USE:
            raise OrganizationReadOnly
    if fresh and not current_user().is_fresh_at(utc_now()):
        raise Redirected(PROVE_PAGE)


def _need_person(access: Audience) -> None:
    who = current_user_or_none()
    if who is None:
        raise Redirected(SIGN_IN_PAGE)
    if access is Audience.ARRIVED:
        return
    if not who.is_confirmed:
        raise Redirected(CONFIRM_PAGE, and_back=False)
    if access is Audience.SIGNED_IN:
        return
    if who.is_operator and not who.is_guarded:
        raise Redirected(SECOND_FACTOR_PAGE, and_back=False)
    if access is Audience.OPERATOR and not who.is_operator:
        raise OperatorsOnly


def _need_own_form() -> None:
    """The form is one that we gave to this visitor, for the organization they still look at."""
    try:
        csrf.protect()
    except CSRFError as error:
        raise FormExpired from error
    meant = request.form.get("_organization")
    who = current_user_or_none()
    if meant and who and who.membership and who.membership.organization_id.hex != meant:
        raise OtherOrganization


def _scope_of(access: Audience) -> AbstractContextManager[None]:
    if access is Audience.OPERATOR:
        return cast("AbstractContextManager[None]", acting_as_system())
    who = current_user_or_none()
    if who is not None and who.membership is not None:
        return cast("AbstractContextManager[None]", acting_for(who.membership.organization_id))
    return nullcontext()


def _lead_elsewhere(way: Redirected) -> ViewResponse:
    db.session.rollback()
    if not way.and_back:
        return see_other(way.path)
    if request.method == "GET":
        return see_other(f"{way.path}?{urlencode({'next': request.full_path.rstrip('?')})}")
    back = {"next": safe_path(_page_of_form())}
    if way.path == PROVE_PAGE and not is_htmx() and (request.content_length or 0) <= MOST_HELD_BYTES:
        there = urlencode({**back, "to": request.full_path.rstrip("?")})
        return redirect(f"{PROVE_PAGE}/held?{there}", HTTPStatus.TEMPORARY_REDIRECT)  # with all that was sent
    return see_other(f"{way.path}?{urlencode(back)}")


def _page_of_form() -> str:
    """The page from which a form came, to return to."""
    try:
        came_from = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    except ValueError:
        return "/"
    return came_from.path if came_from.netloc == request.host else "/"
