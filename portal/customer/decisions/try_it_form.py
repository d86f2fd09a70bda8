"""The form for a check: a few facts to choose, and room for all others as JSON."""

from typing import Any

import msgspec
from wtforms import PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from api import vocabulary
from core.forms import Form, stripped
from portal.in_process_api import fault_of_test_key

_FLAGS = (vocabulary.CONTAINS_PERSONAL_DATA, vocabulary.IS_EXTERNAL_MODEL)
_TOKENS = ("department", "application")
_TRUTH = {"": "Not sent", "true": "Yes", "false": "No"}


def _name(label: str, missing: str) -> StringField:
    return StringField(label, filters=[stripped], validators=[DataRequired(missing), Length(max=200)])


class TryForm(Form):
    model = _name("Model", "Enter a model.")
    operation = _name("Operation", "Enter an operation.")
    contains_personal_data = SelectField("Contains personal data", choices=_TRUTH, default="")
    is_external_model = SelectField("External model", choices=_TRUTH, default="")
    department = StringField("Department", filters=[stripped], validators=[Length(max=200)])
    application = StringField("Application", filters=[stripped], validators=[Length(max=200)])
    metadata = TextAreaField(
        "More metadata",
        description="Further facts as a JSON object. They take precedence over the fields above.",
        validators=[Length(max=20_000)],
        render_kw={"rows": 3, "spellcheck": "false"},
    )
    secret = PasswordField(
        "Your own test key",
        filters=[stripped],
        validators=[Length(max=100)],
        description="Used for this one request and not stored.",
        render_kw={"autocomplete": "off"},
    )

    def validate(self, extra_validators: Any = None) -> bool:
        is_fine = super().validate(extra_validators)
        fault = fault_of_test_key(self.secret.data) if self.secret.data else None
        if fault is not None:
            self.secret.errors = [fault]
        if self._more() is None:
            self.metadata.errors = ['Enter a JSON object, such as {"user_role": "analyst"}.']
        return is_fine and not self.secret.errors and not self.metadata.errors

    @property
    def question(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {name: self[name].data == "true" for name in _FLAGS if self[name].data}
        chosen |= {name: self[name].data for name in _TOKENS if self[name].data}
        return {"model": self.model.data, "operation": self.operation.data, "metadata": chosen | (self._more() or {})}

    def _more(self) -> dict[str, Any] | None:
        """None for what is no JSON object."""
        try:
            found = msgspec.json.decode(self.metadata.data or "{}")
        except (msgspec.DecodeError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
