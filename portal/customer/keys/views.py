"""The keys page. A secret is in one answer only, which nothing may keep."""

from typing import Any
from uuid import UUID

from flask import flash, make_response, render_template, request

from api.keys import lookup
from api.keys import services as keys
from api.keys.models import ApiKey
from api.keys.scopes import Scope
from api.keys.services import IssuedKey
from api.keys.token import KeyEnvironment
from api.limits.window import DEFAULT_LIMIT
from core import names
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import AppError, FieldProblem, InvalidRequest
from core.htmx import see_other
from core.ids import public_id
from core.jobs import defer
from core.throttle import per_address
from core.tokens import digest_of
from core.views import ViewResponse
from portal.customer.keys.forms import LIVES, OVERLAPS, KeyForm, LeakForm, RevokeForm, RotateForm
from portal.customer.keys.jobs import revoke_leaked_key
from portal.customer.keys.overview import line_of, lines_page
from portal.customer.organization import services as organizations
from portal.paging import chosen_uuid

bp = Pages("keys", __name__)

_MOST_LETTERS = 100


@bp.get("/keys")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    text, is_ended = request.args.get("q", "").strip()[:_MOST_LETTERS], "ended" in request.args
    owner, now = active_membership().organization_id, utc_now()
    return render_template(
        "portal/customer/keys/index.html",
        page=lines_page(
            owner,
            is_in_use=not is_ended,
            text=text,
            after=chosen_uuid(request.args.get("after")),
            now=now,
        ),
        text=text,
        is_ended=is_ended,
        has_ended=is_ended or lookup.has_ended(owner, now=now),
        is_first="after" not in request.args,
        may_change=may(Audience.DEVELOPER),
    )


@bp.get("/keys/new")
@open_to(Audience.DEVELOPER, fresh=True)
def new() -> ViewResponse:
    environment = request.args.get("environment")
    return _form_page(KeyForm(formdata=None, environment="live" if environment == "live" else "test"))


@bp.post("/keys")
@open_to(Audience.DEVELOPER, fresh=True)
def create() -> ViewResponse:
    form = KeyForm()
    if not form.validate():
        return _form_page(form, status=422)
    life = LIVES[form.life.data]
    now = utc_now()
    try:
        with transaction():
            issued = keys.issue(
                active_membership().organization_id,
                name=form.name.data,
                environment=KeyEnvironment(form.environment.data),
                scopes=tuple(map(Scope, form.scopes.data)),
                rate_limit=_within_plan(form.rate_limit.data),
                allowed_networks=form.networks(),
                expires_at=now + life if life else None,
                by=actor(),
                now=now,
            )
            page = _shown_once(issued, old=None)
    except InvalidRequest as refused:
        form.blame(refused.errors)
    except AppError as refused:
        form.form_errors.append(f"{refused.title}. {refused.detail}")
        return _form_page(form, status=int(refused.status))
    else:
        return page
    return _form_page(form, status=422)


@bp.get("/keys/<uuid:key_id>")
@open_to(Audience.VIEWER)
def show(key_id: UUID) -> ViewResponse:
    key = lookup.find(active_membership().organization_id, key_id)
    return render_template(
        "portal/customer/keys/show.html",
        line=line_of(key, now=utc_now()),
        key=key,
        may_change=may(Audience.DEVELOPER, while_inactive=True),
    )


@bp.get("/keys/<uuid:key_id>/rotate")
@open_to(Audience.DEVELOPER, fresh=True)
def ask_rotation(key_id: UUID) -> ViewResponse:
    key = lookup.find(active_membership().organization_id, key_id)
    return render_template("portal/customer/keys/rotate.html", key=key, form=RotateForm(formdata=None))


@bp.post("/keys/<uuid:key_id>/rotate")
@open_to(Audience.DEVELOPER, fresh=True)
def rotate(key_id: UUID) -> ViewResponse:
    form = RotateForm()
    if not form.validate():
        key = lookup.find(active_membership().organization_id, key_id)
        return render_template("portal/customer/keys/rotate.html", key=key, form=form), 422
    _, overlap = OVERLAPS[form.overlap.data]
    with transaction():
        issued = keys.rotate(active_membership().organization_id, key_id, overlap=overlap, by=actor(), now=utc_now())
        return _shown_once(issued, old=lookup.find(active_membership().organization_id, key_id))


@bp.get("/keys/<uuid:key_id>/revoke")
@open_to(Audience.DEVELOPER, fresh=True)
def ask_revocation(key_id: UUID) -> ViewResponse:
    key = lookup.find(active_membership().organization_id, key_id)
    return render_template(
        "portal/customer/keys/revoke.html", key=key, to_type=_to_type(key), form=RevokeForm(formdata=None)
    )


@bp.post("/keys/<uuid:key_id>/revoke")
@open_to(Audience.DEVELOPER, fresh=True, while_inactive=True)
def revoke(key_id: UUID) -> ViewResponse:
    key, form = lookup.find(active_membership().organization_id, key_id), RevokeForm()
    if form.validate() and not names.is_typed(form.typed.data, key.name, otherwise=public_id("key", key.id)):
        form.typed.errors = [f"Type {_to_type(key)} exactly as shown."]
    if form.errors:
        return render_template("portal/customer/keys/revoke.html", key=key, to_type=_to_type(key), form=form), 422
    with transaction():
        keys.revoke(
            active_membership().organization_id, key_id, reason=form.reason.data or None, by=actor(), now=utc_now()
        )
    flash("API key revoked. It stops working within a second.")
    return see_other("/keys")


@bp.post("/keys/<uuid:key_id>/finish")
@open_to(Audience.DEVELOPER, fresh=True, while_inactive=True)
def finish(key_id: UUID) -> ViewResponse:
    """Ends the overlap of a rotation now. Only for a key that has a successor."""
    with transaction():
        keys.finish_rotation(active_membership().organization_id, key_id, by=actor(), now=utc_now())
    flash("Rotation complete. The old key is revoked; only the new key works.")
    return see_other("/keys")


@bp.get("/report-a-key")
@open_to(Audience.ANYBODY)
def report() -> ViewResponse:
    return render_template("portal/customer/keys/report.html", form=LeakForm(), is_sent=False)


@bp.post("/report-a-key")
@per_address("20 per hour")
@open_to(Audience.ANYBODY)
def take_report() -> ViewResponse:
    """The answer is the same whether or not there is such a key; what is to be done is done by the worker."""
    form = LeakForm()
    if not form.validate():
        return render_template("portal/customer/keys/report.html", form=form, is_sent=False), 422
    with acting_as_system(), transaction():
        defer(revoke_leaked_key, digest=digest_of(form.secret.data).hex(), place=form.place.data or "")
    return render_template("portal/customer/keys/report.html", form=LeakForm(formdata=None), is_sent=True), 202


def _within_plan(rate_limit: int | None) -> int | None:
    """Raises InvalidRequest for more than the plan allows."""
    most = organizations.find(active_membership().organization_id).check_limit or DEFAULT_LIMIT
    if rate_limit is not None and rate_limit > most:
        detail = f"Your plan allows up to {most:,} requests per minute."
        raise InvalidRequest(errors=(FieldProblem("rate_limit", "out_of_range", detail),))
    return rate_limit


def _form_page(form: KeyForm, *, status: int = 200) -> ViewResponse:
    return render_template(
        "portal/customer/keys/new.html", form=form, organization_status=active_membership().status
    ), status


def _shown_once(issued: IssuedKey, *, old: Any) -> ViewResponse:
    answer = make_response(
        render_template("portal/customer/keys/shown_once.html", issued=issued, old=old, base_url=settings().base_url)
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _to_type(key: ApiKey) -> str:
    """A name from before names were looked at may hold nothing that can be typed."""
    return names.typable(key.name, otherwise=public_id("key", key.id))
