"""The form of one test: a request, and the decision that it must get."""

from typing import Any, Self

import msgspec
from wtforms import SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from api.policies.policy_tests import PolicyTest
from core.errors import FieldProblem
from core.forms import Form, OneLine, WholeNumberField, stripped
from portal.customer.policies.forms import SeenVersionForm

_OBJECT = msgspec.json.Decoder(dict[str, Any])


class NameForm(Form):
    name = StringField(
        "Name",
        filters=[stripped],
        description="What the test checks, such as “Personal data is blocked”.",
        validators=[DataRequired("Enter a name."), Length(max=100), OneLine()],
    )


class RequestForm(Form):
    """A request as a check sends it."""

    model = StringField("Model", filters=[stripped], validators=[DataRequired("Enter a model."), Length(max=200)])
    operation = StringField(
        "Operation", filters=[stripped], validators=[DataRequired("Enter an operation."), Length(max=200)]
    )
    metadata = TextAreaField(
        "Metadata",
        filters=[stripped],
        description='The facts as JSON, such as {"contains_personal_data": true}.',
        validators=[Length(max=10_000)],
        render_kw={"rows": 4, "spellcheck": "false"},
    )

    def validate_metadata(self, field: Any) -> None:
        try:
            _OBJECT.decode(field.data or "{}")
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValidationError('Enter a JSON object, such as {"contains_personal_data": true}.') from error

    @classmethod
    def of_request(cls, model: str, operation: str, metadata: Any) -> Self:
        return cls(formdata=None, model=model, operation=operation, metadata=_as_json(metadata))

    def request(self) -> dict[str, Any]:
        return {
            "model": self.model.data,
            "operation": self.operation.data,
            "metadata": _OBJECT.decode(self.metadata.data or "{}"),
        }


class PolicyTestForm(SeenVersionForm, NameForm, RequestForm):
    """Its errors are told in the order of the page, which is that in which fields are made."""

    allowed = SelectField(
        "Expected decision",
        choices={"": "Choose", "false": "Blocked", "true": "Allowed"},
        validators=[DataRequired("Choose the decision.")],
    )
    reason = StringField(
        "Expected reason",
        filters=[stripped],
        description="The code, such as contains_personal_data. Leave empty to accept any reason.",
        validators=[Length(max=64)],
    )
    risk_score = WholeNumberField(
        "Expected risk score",
        description="Leave empty to accept any score.",
        validators=[Optional(), NumberRange(0, 100, "Enter a number from 0 to 100.")],
    )

    @classmethod
    def of(cls, revision: int, test: PolicyTest | None) -> "PolicyTestForm":
        if test is None:
            return cls(formdata=None, version=revision)
        return cls(
            formdata=None,
            version=revision,
            name=test.name,
            model=test.request.model,
            operation=test.request.operation,
            metadata=_as_json(test.request.metadata),
            allowed="true" if test.expect.allowed else "false",
            reason=test.expect.reason or "",
            risk_score=test.expect.risk_score,
        )

    def value(self) -> dict[str, Any]:
        expect = {
            "allowed": self.allowed.data == "true",
            "reason": self.reason.data or None,
            "risk_score": self.risk_score.data,
        }
        return {"name": self.name.data, "request": self.request(), "expect": expect}

    def blame_test(self, faults: tuple[FieldProblem, ...], place: int) -> None:
        """Puts a fault of `tests[3].request.metadata.team` at the field `metadata`."""
        beginnings = (f"tests[{place}].", "request.", "expect.")
        shortened = []
        for fault in faults:
            path = fault.path
            for beginning in beginnings:
                path = path.removeprefix(beginning)
            shortened.append(msgspec.structs.replace(fault, path=path))
        self.blame(shortened)


class DecisionTestForm(Form):
    draft = SelectField("Draft", description="The test is added to this draft.")
    name = PolicyTestForm.name


def _as_json(metadata: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(metadata), indent=2).decode() if metadata else ""
