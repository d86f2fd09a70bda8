"""From a rule's form to the list of rules, and from a refusal back to the form's fields."""

from typing import Any

import msgspec

from api.policies.document import PolicyDocument
from api.policies.rules import Rule
from core.errors import InvalidRequest, NotFound
from core.forms import in_plain_words
from portal.customer.policies.rule_form import PARTS, RuleForm


def rule_of(document: PolicyDocument, code: str) -> Rule:
    """Raises NotFound."""
    rule = next((rule for rule in document.rules if rule.code == code), None)
    if rule is None:
        raise NotFound("Rule not found. It may have been deleted.")
    return rule


def place_of(document: PolicyDocument, code: str | None) -> int:
    """Where the rule with this code stands, or where a new one comes."""
    places = [index for index, rule in enumerate(document.rules) if rule.code == code]
    return places[0] if places else len(document.rules)


def rules_with(document: PolicyDocument, place: int, form: RuleForm) -> list[Any]:
    rules = [msgspec.to_builtins(rule) for rule in document.rules]
    rules[place : place + 1] = [form.value()]
    return rules


def rules_without(document: PolicyDocument, code: str) -> list[Any]:
    """Raises NotFound."""
    gone = rule_of(document, code)
    return [msgspec.to_builtins(rule) for rule in document.rules if rule is not gone]


def blame_rule(form: RuleForm, refused: InvalidRequest, place: int) -> None:
    """Puts a fault of `rules[3].when.all[0]` at the first of the form's conditions under `all`."""
    for fault in refused.errors:
        path = fault.path.removeprefix(f"rules[{place}].")
        detail = in_plain_words(fault.detail)
        name, _, index = path.removeprefix("when").lstrip(".").partition("[")
        number = index.removesuffix("]")
        if name in PARTS and number.isdecimal():
            form.blame_condition(name, int(number), detail)
        elif name in form:
            form[name].errors = [*form[name].errors, detail]
        else:
            form.form_errors.append(detail)
