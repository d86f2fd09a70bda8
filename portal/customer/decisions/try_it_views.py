"""Trying it out: the same question in three languages, and a form that really asks with a test key."""

import msgspec
from flask import render_template

from api.keys.services import KeyLimitReached
from core.access import Audience, Pages, active_membership, actor, current_user, open_to
from core.clock import utc_now
from core.current import settings
from core.db import transaction
from core.throttle import per_address
from core.views import ViewResponse
from portal.customer.decisions.session_key import secret_for_session
from portal.customer.decisions.try_it_form import TryForm
from portal.in_process_api import send_check

bp = Pages("try_it", __name__, url_prefix="/try-it")

_EXAMPLE = {
    "model": "gpt-4o",
    "operation": "summarization",
    "contains_personal_data": "true",
    "department": "support",
}


class Answered(msgspec.Struct, frozen=True):
    status: int
    request: str
    body: str
    decision_id: str | None


@bp.get("")
@open_to(Audience.DEVELOPER)
def index() -> ViewResponse:
    return _page(TryForm(formdata=None, **_EXAMPLE))


@bp.post("")
@per_address("60 per minute")
@open_to(Audience.DEVELOPER)
def ask() -> ViewResponse:
    form = TryForm()
    if not form.validate():
        return _page(form, status=422)
    try:
        secret = form.secret.data or _secret_of_session()
    except KeyLimitReached:
        form.secret.errors = ["You have reached your plan's API key limit. Enter one of your test keys."]
        return _page(form, status=422)
    return _page(form, answered=_answered(form, *send_check(secret, form.question)))


def _secret_of_session() -> str:
    who = current_user()
    with transaction():
        return secret_for_session(
            active_membership().organization_id,
            who.session_id,
            member=who.name,
            secret_key=settings().secret_key,
            by=actor(),
            now=utc_now(),
        )


def _answered(form: TryForm, status: int, body: bytes) -> Answered:
    parsed = msgspec.json.decode(body)
    return Answered(
        status=status,
        request=msgspec.json.format(msgspec.json.encode(form.question), indent=2).decode(),
        body=msgspec.json.format(body, indent=2).decode(),
        decision_id=parsed.get("decision_id") if isinstance(parsed, dict) else None,
    )


def _page(form: TryForm, *, answered: Answered | None = None, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/decisions/try_it.html", form=form, answered=answered, base_url=settings().base_url
    )
    return page, status
