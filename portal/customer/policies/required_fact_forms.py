"""The form of a required fact."""

from typing import Any

from wtforms import RadioField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from api.policies.document import PolicyDocument, facts_of
from api.policies.required_facts import IfMissing, RequiredFact
from core.forms import Form, RequiredIf, WholeNumberField, stripped


class RequiredFactForm(Form):
    fact = SelectField("Fact", validators=[DataRequired("Choose a fact.")])
    if_missing = RadioField(
        "If it is missing",
        choices={
            IfMissing.BLOCK.value: "Block",
            IfMissing.ADD_RISK.value: "Add points",
            IfMissing.REPORT.value: "Report only (no effect on the decision)",
        },
        validators=[InputRequired("Choose what happens.")],
    )
    points = WholeNumberField(
        "Points",
        default=20,
        validators=[
            RequiredIf(lambda form: form.if_missing.data == IfMissing.ADD_RISK.value, "Enter a number from 0 to 100.")
        ],
        description="Used only if the fact adds points when missing.",
    )
    operations = StringField(
        "Operations",
        filters=[stripped],
        description="Separated by commas. Leave empty for all.",
        validators=[Length(max=2_000)],
    )
    applications = StringField(
        "Applications",
        filters=[stripped],
        description="Separated by commas. Leave empty for all.",
        validators=[Length(max=4_000)],
    )

    @classmethod
    def offering(cls, document: PolicyDocument, required: RequiredFact | None = None) -> "RequiredFactForm":
        """Filled in from the request, or with what is required now."""
        stated: dict[str, Any] = {}
        if required is not None:
            stated = {
                "fact": required.fact,
                "if_missing": required.if_missing.value,
                "points": required.points,
                "operations": ", ".join(required.operations),
                "applications": ", ".join(required.applications),
            }
        form = cls(formdata=None, **stated) if required is not None else cls()
        form.fact.choices = [("", "Choose a fact"), *((name, name) for name in sorted(facts_of(document)))]
        return form

    def value(self) -> dict[str, Any]:
        return {
            "fact": self.fact.data,
            "if_missing": self.if_missing.data,
            "points": self.points.data if self.if_missing.data == IfMissing.ADD_RISK else 0,
            "operations": _parts(self.operations.data),
            "applications": _parts(self.applications.data),
        }


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]
