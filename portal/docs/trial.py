"""Trying an endpoint on its page with the reader's own test key, which is used for the one request and kept nowhere."""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from api.v1.endpoint import Endpoint
from api.v1.reference.examples import PATH_PARTS, example_of
from core.forms import Form, stripped
from portal.docs.samples import parameters_of
from portal.in_process_api import fault_of_test_key, send

MOST_SHOWN = 20_000


class TrialForm(Form):
    secret = PasswordField(
        "Test key",
        filters=[stripped],
        validators=[DataRequired("Paste one of your test keys."), Length(max=100)],
        description="Used for this one request and not stored.",
        render_kw={"autocomplete": "off"},
    )
    part = StringField("Path parameter", filters=[stripped], validators=[Length(max=200)])
    parameters = StringField("Query parameters", filters=[stripped], validators=[Length(max=1_000)])
    body = TextAreaField("Body", validators=[Length(max=20_000)], render_kw={"rows": 8, "spellcheck": "false"})


class Trial(msgspec.Struct, frozen=True):
    status: int
    text: str


def is_open(endpoint: Endpoint) -> bool:
    """What needs a key can be tried with one."""
    return endpoint.scope is not None


def filled(endpoint: Endpoint) -> TrialForm:
    """With the example of the page."""
    body = (
        "" if endpoint.body is None else msgspec.json.format(msgspec.json.encode(example_of(endpoint.body)), indent=2)
    )
    return TrialForm(
        formdata=None,
        part=next((part.example for name, part in PATH_PARTS.items() if f"{{{name}}}" in endpoint.path), ""),
        parameters=urlencode(parameters_of(endpoint)),
        body=body if isinstance(body, str) else body.decode(),
    )


def send_form(endpoint: Endpoint, form: TrialForm) -> Trial | None:
    """What came back; None if the form has a fault, which then stands at its field."""
    if not form.validate():
        return None
    fault = fault_of_test_key(form.secret.data)
    if fault is not None:
        form.secret.errors = [fault]
        return None
    names: dict[str, Any] = dict.fromkeys(PATH_PARTS, quote(form.part.data or "-", safe=""))
    status, body = send(
        form.secret.data,
        endpoint.method,
        endpoint.path.format(**names),
        body=(form.body.data or "").encode() if endpoint.body is not None else None,
        query=form.parameters.data or "" if endpoint.query is not None else "",
    )
    return Trial(status, _shown(body))


def _shown(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()[:MOST_SHOWN]
    except msgspec.DecodeError:
        return body.decode(errors="replace")[:MOST_SHOWN]
