"""Trying it out: the same question in three languages, and a form that really asks with the customer's own test key."""

import msgspec
from flask import render_template
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from core.access import Audience, Pages, open_to
from core.current import settings
from core.forms import Form, stripped
from core.throttle import per_address
from core.views import ViewResponse
from portal.in_process_api import fault_of_test_key, send_check

bp = Pages("try_it", __name__, url_prefix="/try-it")

EXAMPLE = '{"contains_personal_data": true, "department": "support"}'


class TryForm(Form):
    secret = PasswordField(
        "Test key",
        filters=[stripped],
        validators=[DataRequired("Paste one of your test keys."), Length(max=100)],
        description="Used for this one request and not stored.",
        render_kw={"autocomplete": "off"},
    )
    model = StringField("Model", filters=[stripped], validators=[DataRequired("Enter a model."), Length(max=200)])
    operation = StringField(
        "Operation", filters=[stripped], validators=[DataRequired("Enter an operation."), Length(max=200)]
    )
    metadata = TextAreaField(
        "Metadata",
        description="A JSON object of typed facts.",
        validators=[Length(max=20_000)],
        render_kw={"rows": 4, "spellcheck": "false"},
    )


class Answered(msgspec.Struct, frozen=True):
    status: int
    body: str
    decision_id: str | None


@bp.get("")
@open_to(Audience.DEVELOPER)
def index() -> ViewResponse:
    form = TryForm(formdata=None, model="gpt-4o", operation="summarization", metadata=EXAMPLE)
    return _page(form)


@bp.post("")
@per_address("60 per minute")
@open_to(Audience.DEVELOPER)
def ask() -> ViewResponse:
    form = TryForm()
    if form.validate():
        fault = fault_of_test_key(form.secret.data)
        if fault is not None:
            form.secret.errors = [fault]
        else:
            try:
                metadata = msgspec.json.decode(form.metadata.data or "{}")
            except (msgspec.DecodeError, RecursionError):
                form.metadata.errors = ["This is not valid JSON. Follow the example."]
            else:
                question = {"model": form.model.data, "operation": form.operation.data, "metadata": metadata}
                return _page(form, answered=_answered(*send_check(form.secret.data, question)))
    return _page(form, status=422)


def _answered(status: int, body: bytes) -> Answered:
    parsed = msgspec.json.decode(body)
    return Answered(
        status=status,
        body=msgspec.json.format(body, indent=2).decode(),
        decision_id=parsed.get("decision_id") if isinstance(parsed, dict) else None,
    )


def _page(form: TryForm, *, answered: Answered | None = None, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/decisions/try_it.html", form=form, answered=answered, base_url=settings().base_url
    )
    return page, status
