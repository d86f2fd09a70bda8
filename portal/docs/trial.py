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
    part = StringField(
        "Path parameter", filters=[stripped], validators=[DataRequired("Enter its value."), Length(max=200)]
    )
    parameters = StringField("Query parameters", filters=[stripped], validators=[Length(max=1_000)])
    body = TextAreaField(
        "Body",
        validators=[DataRequired("Enter a JSON object."), Length(max=20_000)],
        render_kw={"rows": 8, "spellcheck": "false"},
    )


class Trial(msgspec.Struct, frozen=True):
    status: int
    text: str


def is_open(endpoint: Endpoint) -> bool:
    """What needs a key can be tried with one."""
    return endpoint.scope is not None


def filled(endpoint: Endpoint) -> TrialForm:
    """With the example of the page."""
    body = None if endpoint.body is None else msgspec.json.encode(example_of(endpoint.body))
    form = TrialForm(
        formdata=None,
        part=next((part.example for name, part in PATH_PARTS.items() if f"{{{name}}}" in endpoint.path), ""),
        parameters=urlencode(parameters_of(endpoint)),
        body=msgspec.json.format(body, indent=2).decode() if body else "",
    )
    return _only_what_it_takes(form, endpoint)


def sent(endpoint: Endpoint) -> TrialForm:
    return _only_what_it_takes(TrialForm(), endpoint)


def send_form(endpoint: Endpoint, form: TrialForm) -> Trial | None:
    """What came back; None if the form has a fault, which then stands at its field."""
    if not form.validate():
        return None
    fault = fault_of_test_key(form.secret.data)
    if fault is not None:
        form.secret.errors = [fault]
        return None
    given = {name: value or "" for name, value in form.data.items()}
    names: dict[str, Any] = dict.fromkeys(PATH_PARTS, quote(given.get("part", ""), safe=""))
    status, body = send(
        given["secret"],
        endpoint.method,
        endpoint.path.format(**names),
        body=given["body"].encode() if "body" in given else None,
        query=given.get("parameters", ""),
    )
    return Trial(status, _shown(body))


def _only_what_it_takes(form: TrialForm, endpoint: Endpoint) -> TrialForm:
    for name, is_taken in (
        ("part", "{" in endpoint.path),
        ("parameters", endpoint.query is not None),
        ("body", endpoint.body is not None),
    ):
        if not is_taken:
            del form[name]
    return form


def _shown(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()[:MOST_SHOWN]
    except msgspec.DecodeError:
        return body.decode(errors="replace")[:MOST_SHOWN]
