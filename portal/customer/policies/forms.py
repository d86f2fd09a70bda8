"""The forms of the policies page; bounds and words come from the policies themselves."""

from collections.abc import Iterable
from typing import Any

import msgspec
from wtforms import BooleanField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from api.policies.document import PolicyDocument, describe
from api.policies.rules import OnMissing, Rule, RuleEffect, RuleState
from api.vocabulary import FactType
from core.forms import Form, OneLine, WholeNumberField, stripped

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
        description=f"One per line, in the form name: type. Types: {', '.join(FactType)}.",
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


class RuleForm(SeenVersionForm):
    code = StringField(
        "Code",
        filters=[stripped],
        description="Shown as the reason in responses, such as hr_needs_review.",
        validators=[DataRequired("Enter a code."), Length(max=64)],
    )
    message = StringField(
        "Message",
        filters=[stripped],
        validators=[DataRequired("Enter a text."), Length(max=300), OneLine()],
    )
    fix = StringField(
        "How to fix",
        filters=[stripped],
        validators=[DataRequired("Enter a text."), Length(max=300), OneLine()],
    )
    all = TextAreaField(
        "All of these conditions match",
        description='One condition per line, such as department == "hr".',
        render_kw={"rows": 3, "spellcheck": "false"},
    )
    any = TextAreaField("At least one of these conditions matches", render_kw={"rows": 2, "spellcheck": "false"})
    none = TextAreaField("None of these conditions match", render_kw={"rows": 2, "spellcheck": "false"})
    effect = SelectField("Action", choices={RuleEffect.BLOCK.value: "Block", RuleEffect.ADD_RISK.value: "Add points"})
    points = WholeNumberField("Points", validators=[InputRequired("Enter a number from 0 to 100.")], default=50)
    on_missing = SelectField(
        "If a fact is missing",
        choices={"": "Choose", OnMissing.BLOCK.value: "Block", OnMissing.SKIP.value: "Skip this rule"},
        description="What happens to a request that does not send a fact that the conditions need.",
        validators=[DataRequired("Choose what happens if a fact is missing.")],
    )

    state = SelectField(
        "State",
        choices={
            RuleState.SHADOW.value: "Shadow: recorded, without effect",
            RuleState.PERCENT.value: "Enforced for a percentage",
            RuleState.ENFORCED.value: "Enforced",
            RuleState.OFF.value: "Off",
        },
        default=RuleState.SHADOW.value,
        description="Start in shadow to see what the rule would block before it does.",
    )
    percent = WholeNumberField(
        "Percentage",
        default=10,
        description="Only for Enforced for a percentage: the share of subjects, or of keys where no subject is sent.",
    )

    @classmethod
    def of(cls, version: int, rule: Rule | None) -> "RuleForm":
        if rule is None:
            return cls(formdata=None, version=version)
        kept = msgspec.to_builtins(rule)
        when = {part: "\n".join(getattr(rule.when, part)) for part in ("all", "any", "none")}
        facts = {
            name: kept.get(name, getattr(rule, name))
            for name in ("code", "message", "fix", "points", "effect", "on_missing", "state", "percent")
        }
        return cls(formdata=None, version=version, **facts, **when)

    def value(self) -> dict[str, Any]:
        return {
            "code": self.code.data,
            "message": self.message.data,
            "fix": self.fix.data,
            "points": self.points.data,
            "effect": self.effect.data,
            "on_missing": self.on_missing.data,
            "state": self.state.data,
            "percent": self.percent.data,
            "when": {part: list(_split(self[part].data)) for part in ("all", "any", "none")},
        }


def _split(text: str | None) -> Iterable[str]:
    return (line.strip() for line in (text or "").splitlines() if line.strip())


def _pair(line: str) -> tuple[str, str]:
    name, _, kind = line.partition(":")
    return name.strip(), kind.strip()
