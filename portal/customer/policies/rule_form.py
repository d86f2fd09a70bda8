"""The form of a custom rule: its conditions as rows to fill in, or in CEL, and one turned into the other."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from wtforms import FieldList, FormField, HiddenField, SelectField, StringField, TextAreaField
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, Length

from api.policies.conditions.checking import Ground
from api.policies.conditions.rows import OPERATORS, Operator, Row, RowRefused, cel_of, row_of_form, rows_of
from api.policies.conditions.typing import KINDS
from api.policies.rules import MAX_CONDITIONS, OnError, OnMissing, Rule, RuleEffect, RuleState
from api.policies.trees import Kind
from core.forms import OneLine, RequiredIf, WholeNumberField, stripped
from portal.customer.policies.forms import SeenVersionForm

PARTS = ("all", "any", "none")
BUILDER, CEL = "builder", "cel"
OPERATOR_LABELS = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.ONE_OF: "is one of",
    Operator.NONE_OF: "is none of",
    Operator.STARTS_WITH: "starts with",
    Operator.ENDS_WITH: "ends with",
    Operator.CONTAINS: "contains",
    Operator.INCLUDES: "includes",
    Operator.LACKS: "does not include",
    Operator.AT_LEAST: "is at least",
    Operator.MORE: "is more than",
    Operator.AT_MOST: "is at most",
    Operator.LESS: "is less than",
}
_WHEREABOUTS = re.compile(r"^At (?:line \d+, )?character \d+: ")
"""Of a condition as text, which nobody sees who filled in a row."""


class ConditionRow(PlainForm):  # type: ignore[misc]  # wtforms is untyped
    """A comparison; or, where `cel` is filled, a condition that is none."""

    fact = SelectField("Fact", validate_choice=False)
    operator = SelectField("Operator", validate_choice=False)
    value = StringField("Value", filters=[stripped])
    cel = StringField("Condition in CEL", filters=[stripped])

    @property
    def is_blank(self) -> bool:
        return not (self.fact.data or self.value.data or self.cel.data)


def _rows() -> Any:
    return FieldList(FormField(ConditionRow), max_entries=MAX_CONDITIONS)


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
        validators=[DataRequired("Enter a message."), Length(max=300), OneLine()],
    )
    fix = StringField(
        "How to fix",
        filters=[stripped],
        validators=[DataRequired("Enter a fix."), Length(max=300), OneLine()],
    )
    mode = HiddenField(default=BUILDER)
    do = HiddenField()
    """The button that changes the form alone; empty for the one that saves."""
    all = TextAreaField(
        "All of these conditions match",
        description='One condition per line, such as department == "hr".',
        render_kw={"rows": 3, "spellcheck": "false"},
    )
    any = TextAreaField("At least one of these conditions matches", render_kw={"rows": 2, "spellcheck": "false"})
    none = TextAreaField("None of these conditions match", render_kw={"rows": 2, "spellcheck": "false"})
    rows_all = _rows()
    rows_any = _rows()
    rows_none = _rows()
    effect = SelectField("Action", choices={RuleEffect.BLOCK.value: "Block", RuleEffect.ADD_RISK.value: "Add points"})
    points = WholeNumberField(
        "Points",
        default=50,
        description="Used only if the action adds points.",
        validators=[
            RequiredIf(lambda form: form.effect.data == RuleEffect.ADD_RISK.value, "Enter a number from 0 to 100.")
        ],
    )
    on_missing = SelectField(
        "If a fact is missing",
        choices={"": "Choose", OnMissing.BLOCK.value: "Block", OnMissing.SKIP.value: "Skip this rule"},
        description="What happens to a request that does not send a fact that the conditions need.",
        validators=[DataRequired("Choose what happens if a fact is missing.")],
    )
    on_error = SelectField(
        "If a condition can't be evaluated",
        choices={
            "": "Same as for a missing fact",
            OnError.BLOCK.value: "Block",
            OnError.ADD_RISK.value: "Add the points",
            OnError.SKIP.value: "Skip this rule",
        },
        default="",
        description="For example, if a fact has a different type than declared.",
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
        description=(
            "Used only if the rule is enforced for a percentage: the share of subjects (or of API keys, if no subject "
            "is sent)."
        ),
        validators=[RequiredIf(lambda form: form.state.data == RuleState.PERCENT.value, "Enter a whole number.")],
    )

    kinds: Mapping[str, Kind] = {}

    @classmethod
    def of(cls, version: int, rule: Rule | None, ground: Ground) -> "RuleForm":
        """With its conditions as rows, where at least one is one."""
        if rule is None:
            form = cls(formdata=None, version=version)
            form.changed_by("add-all", ground)
            return form
        kept = msgspec.to_builtins(rule)
        facts = {
            name: kept.get(name, getattr(rule, name))
            for name in ("code", "message", "fix", "points", "effect", "on_missing", "state", "percent")
        }
        facts["on_error"] = rule.on_error or ""
        when = {part: "\n".join(getattr(rule.when, part)) for part in PARTS}
        form = cls(formdata=None, version=version, mode=CEL, **facts, **when)
        form.over(ground)
        form.changed_by("builder", ground)
        return form

    def over(self, ground: Ground) -> None:
        """Says which facts there are, before anything is read of the rows and after they were changed."""
        self.kinds = {variable: KINDS[fact.type] for variable, fact in ground.facts.items()}
        facts = [("", "Choose"), *((variable, ground.facts[variable].name) for variable in sorted(self.kinds))]
        for row in self._every_row():
            row.fact.choices = facts
            fitting = OPERATORS.get(self.kinds.get(row.fact.data or "", Kind.TEXT), ())
            row.operator.choices = [(one.value, OPERATOR_LABELS[one]) for one in fitting or Operator]

    @property
    def is_builder(self) -> bool:
        return bool(self.mode.data == BUILDER)

    def rows(self, part: str) -> Sequence[ConditionRow]:
        return [entry.form for entry in self[f"rows_{part}"]]

    def facts_named(self) -> set[str]:
        return {row.fact.data for row in self._every_row() if row.fact.data}

    def changed_by(self, button: str, ground: Ground) -> None:
        """What a button does that saves nothing."""
        match button.split("-"):
            case ["cel"]:
                self._show_cel()
            case ["builder"]:
                self._show_rows()
            case ["add", part] if part in PARTS:
                self._add_row(part)
            case ["remove", part, index] if part in PARTS and index.isdecimal():
                rows = self[f"rows_{part}"]
                rows.entries = [entry for place, entry in enumerate(rows.entries) if place != int(index)]
        self.over(ground)

    def value(self) -> dict[str, Any]:
        return {
            "code": self.code.data,
            "message": self.message.data,
            "fix": self.fix.data,
            "points": self.points.data,
            "effect": self.effect.data,
            "on_missing": self.on_missing.data,
            "on_error": self.on_error.data or None,
            "state": self.state.data,
            "percent": self.percent.data,
            "when": {part: self.conditions(part) for part in PARTS},
        }

    def conditions(self, part: str) -> list[str]:
        """Raises RowRefused."""
        if not self.is_builder:
            return list(_split(self[part].data))
        return [self._condition(row) for row in self.rows(part) if not row.is_blank]

    def blame_rows(self) -> bool:
        """Whether all rows are conditions; each that is none is told at its place."""
        if not self.is_builder:
            return True
        is_sound = True
        for part in PARTS:
            for index, row in enumerate(self.rows(part)):
                try:
                    if not row.is_blank:
                        self._condition(row)
                except RowRefused as refused:
                    self.blame_row(part, index, str(refused))
                    is_sound = False
        return is_sound

    def blame_row(self, part: str, index: int, detail: str) -> None:
        row = self.rows(part)[index]
        row.value.errors = [*row.value.errors, detail]
        self.form_errors.append(f"{self[part].label.text}, condition {index + 1}: {detail}")

    def blame_condition(self, part: str, index: int, detail: str) -> None:
        """A fault of one condition, counted as `conditions` gives them."""
        if self.is_builder:
            filled = [(place, row) for place, row in enumerate(self.rows(part)) if not row.is_blank]
            place, row = filled[index]
            self.blame_row(part, place, detail if row.cel.data else _WHEREABOUTS.sub("", detail))
        else:
            self[part].errors = [*self[part].errors, f"Condition {index + 1}: {detail}"]

    def _condition(self, row: ConditionRow) -> str:
        if row.cel.data:
            return str(row.cel.data)
        return cel_of(
            row_of_form(row.fact.data or "", row.operator.data or "", row.value.data or "", self.kinds), self.kinds
        )

    def _show_cel(self) -> None:
        """Unless a row is no condition yet: then it is told, and the rows stay."""
        if self.blame_rows():
            for part in PARTS:
                self[part].data = "\n".join(self.conditions(part))
            self.mode.data = CEL

    def _show_rows(self) -> None:
        if self.is_builder:
            return
        for part in PARTS:
            rows = self[f"rows_{part}"]
            rows.entries = []
            for shown in rows_of(list(_split(self[part].data))[:MAX_CONDITIONS], self.kinds):
                rows.append_entry(_entry_of(shown))
        self.mode.data = BUILDER

    def _add_row(self, part: str) -> None:
        rows = self[f"rows_{part}"]
        if len(rows.entries) < MAX_CONDITIONS:
            rows.append_entry({})

    def _every_row(self) -> Iterable[ConditionRow]:
        return [row for part in PARTS for row in self.rows(part)]


def _entry_of(shown: Row | str) -> dict[str, str]:
    if isinstance(shown, str):
        return {"cel": shown}
    return {"fact": shown.fact, "operator": shown.operator.value, "value": ", ".join(shown.values)}


def _split(text: str | None) -> Iterable[str]:
    return (line.strip() for line in (text or "").splitlines() if line.strip())
