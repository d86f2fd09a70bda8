"""The forms of the policies page; bounds and words come from the policies themselves."""

from collections.abc import Iterable
from typing import Any

from wtforms import BooleanField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from api.policies.document import PolicyDocument, describe
from api.vocabulary import FactType
from core.forms import Form, WholeNumberField

SWITCHES = ("block_personal_data", "block_external_models")
ALSO_WHEN_OFF = "count_points_when_off"
IN_NORMAL_FORM = "compare_in_normal_form"
NUMBERS = (
    "max_risk_score",
    "points_personal_data",
    "points_external_model",
    "points_large_dataset",
    "points_unknown_operation",
    "large_dataset_records",
)
LISTS = ("allowed_models", "denied_operations", "known_operations")


def _words(key: str) -> dict[str, str]:
    title, description = describe(key)
    return {"label": title, "description": description}


def _number(key: str) -> Any:
    return WholeNumberField(**_words(key), validators=[InputRequired("Enter a whole number.")])


def _lines(key: str, more: str) -> Any:
    words = _words(key)
    return TextAreaField(
        words["label"],
        description=f"{words['description']} {more}",
        validators=[Length(max=60_000)],
        render_kw={"rows": 4, "spellcheck": "false"},
    )


class PoliciesForm(Form):
    version = WholeNumberField(
        widget=HiddenInput(), validators=[InputRequired("Reload the page."), NumberRange(1, 2**31 - 1)]
    )
    block_personal_data = BooleanField(**_words("block_personal_data"))
    block_external_models = BooleanField(**_words("block_external_models"))
    count_points_when_off = BooleanField(**_words("count_points_when_off"))
    compare_in_normal_form = BooleanField(**_words("compare_in_normal_form"))
    max_risk_score = _number("max_risk_score")
    points_personal_data = _number("points_personal_data")
    points_external_model = _number("points_external_model")
    points_large_dataset = _number("points_large_dataset")
    points_unknown_operation = _number("points_unknown_operation")
    large_dataset_records = _number("large_dataset_records")
    allowed_models = _lines("allowed_models", "One per line.")
    denied_operations = _lines("denied_operations", "One per line.")
    known_operations = _lines("known_operations", "One per line.")
    custom_facts = TextAreaField(
        "Custom facts",
        description=(
            f"One per line, in the form name: type. Types: {', '.join(FactType)}. A token is one word or code without "
            "spaces; tokens is a list of them."
        ),
        validators=[Length(max=10_000)],
        render_kw={"rows": 3, "spellcheck": "false"},
    )

    def validate_custom_facts(self, field: Any) -> None:
        """The last of two would win in silence; the API refuses a repeated key as well."""
        names = [_pair(line)[0] for line in _split(field.data)]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValidationError(f"Enter each fact once. Repeated: {', '.join(repeated)}.")

    @classmethod
    def of(cls, version: int, document: PolicyDocument) -> "PoliciesForm":
        values = {key: getattr(document, key) for key in (*SWITCHES, ALSO_WHEN_OFF, IN_NORMAL_FORM, *NUMBERS)}
        lists = {key: "\n".join(getattr(document, key)) for key in LISTS}
        facts = "\n".join(f"{name}: {kind}" for name, kind in document.custom_facts.items())
        return cls(formdata=None, version=version, custom_facts=facts, **values, **lists)

    def values(self) -> dict[str, Any]:
        """What the person set, as the policies take it."""
        return {
            **{key: self[key].data for key in (*SWITCHES, ALSO_WHEN_OFF, IN_NORMAL_FORM, *NUMBERS)},
            **{key: list(_split(self[key].data)) for key in LISTS},
            "custom_facts": dict(_pair(line) for line in _split(self.custom_facts.data)),
        }


class SeenVersionForm(Form):
    """The version of the policies that a person looked at."""

    version = WholeNumberField(
        widget=HiddenInput(), validators=[InputRequired("Reload the page."), NumberRange(1, 2**31 - 1)]
    )


def _split(text: str | None) -> Iterable[str]:
    return (line.strip() for line in (text or "").splitlines() if line.strip())


def _pair(line: str) -> tuple[str, str]:
    name, _, kind = line.partition(":")
    return name.strip(), kind.strip()
