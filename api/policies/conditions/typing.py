"""Comparisons that fail or can never match: wrong types, and values that a fact cannot have. Imports no database."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from api.policies.conditions.hints import whereabouts
from api.policies.conditions.syntax import Call, Comparison, Joined, ListOf, Literal, Name, Node, Not
from api.policies.trees import Kind
from api.vocabulary import MAX_INTEGER, MODEL_NAME, OPERATION_NAME, TOKEN, Fact, FactType
from core.spelling import nearest

KINDS: Mapping[FactType, Kind] = {
    FactType.BOOLEAN: Kind.BOOLEAN,
    FactType.INTEGER: Kind.INTEGER,
    FactType.NUMBER: Kind.NUMBER,
    FactType.TOKEN: Kind.TEXT,
    FactType.TOKENS: Kind.TEXTS,
}
_IS = {
    Kind.BOOLEAN: "true or false",
    Kind.INTEGER: "a number",
    Kind.NUMBER: "a number",
    Kind.TEXT: "text",
    Kind.TEXTS: "a list",
}
_NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
_SHAPES = {"model": re.compile(MODEL_NAME, re.ASCII), "operation": re.compile(OPERATION_NAME, re.ASCII)}
_TOKEN = re.compile(TOKEN, re.ASCII)
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._:/+\-@]+", re.ASCII)
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Mistake(Exception):
    """Says where a condition goes wrong, why, and how to put it right."""

    def __init__(self, condition: str, place: int, advice: str) -> None:
        super().__init__(f"At {whereabouts(condition, place)}: {advice}")


class Typing(msgspec.Struct, frozen=True):
    """`facts` and `lowered` by the variables of conditions; `lowered` are compared without regard to case."""

    condition: str
    facts: Mapping[str, Fact]
    lowered: frozenset[str]
    may_end_open: bool
    """Whether a text that ends in * stands for any ending."""

    def need_sound(self, tree: Node) -> None:
        """Raises Mistake."""
        self._truth(tree)

    def _truth(self, node: Node) -> None:
        kind = self._kind(node)
        if kind is not Kind.BOOLEAN:
            raise self._mistake(node, f"{_shown(node)} is {_IS[kind]}. A condition must be true or false.")

    def _kind(self, node: Node) -> Kind:
        kind = Kind.BOOLEAN
        match node:
            case Joined(parts=parts):
                for part in parts:
                    self._truth(part)
            case Not(operand=operand):
                self._truth(operand)
            case Comparison(sign="in", left=left, right=right):
                self._among(left, right)
            case Comparison(sign=sign, left=left, right=right):
                self._compared(node, sign, left, right)
            case Call(name=name, target=target, argument=argument):
                kind = self._called(name, target, argument)
            case Name(text=text):
                kind = KINDS[self.facts[text].type]
            case Literal():
                kind = node.kind
            case ListOf():
                kind = self._listed(node)
        return kind

    def _listed(self, listed: ListOf) -> Kind:
        if any(self._kind(item) is not Kind.TEXT for item in listed.items):
            raise self._mistake(listed, "only a list of texts can be compared as a whole. Use in.")
        return Kind.TEXTS

    def _compared(self, node: Node, sign: str, left: Node, right: Node) -> None:
        if isinstance(right, Name) and isinstance(left, Literal):
            sign, left, right = _FLIPPED.get(sign, sign), right, left
        kinds = (self._kind(left), self._kind(right))
        if not (set(kinds) <= _NUMERIC or kinds[0] is kinds[1]):
            raise self._mistake(node, self._unlike(sign, left, right, kinds))
        if kinds[0] in {Kind.BOOLEAN, Kind.TEXTS} and sign not in {"==", "!="}:
            raise self._mistake(node, f"{_shown(left)} is {_IS[kinds[0]]}, which has no order. Use == or !=.")
        if isinstance(left, Name) and isinstance(right, Literal):
            if kinds[0] is Kind.TEXT and sign in {"==", "!="}:
                self._need_possible(left, right)
            elif kinds[0] is Kind.INTEGER:
                self._need_in_range(sign, left, right)

    def _unlike(self, sign: str, left: Node, right: Node, kinds: tuple[Kind, Kind]) -> str:
        name, value = _shown(left), _shown(right)
        is_plain = isinstance(left, Name) and isinstance(right, Literal)
        match kinds:
            case (Kind.BOOLEAN, _) if is_plain:
                return f"{name} is true or false. Write {name} or !{name}."
            case (Kind.INTEGER | Kind.NUMBER, Kind.TEXT) if is_plain:
                number = value.strip('"') if re.fullmatch(r'"\d{1,15}"', value) else "1000"
                return f"{name} is a number. Write it without quotes, such as {name} {sign} {number}."
            case (Kind.TEXT, _) if is_plain:
                if sign not in ("==", "!="):
                    return f'{name} is text and can\'t be compared with {sign}. Use ==, such as {name} == "{value}".'
                return f'{name} is text. Write it in quotes: {name} {sign} "{value}".'
            case (Kind.TEXTS, Kind.TEXT):
                return f"{name} is a list. Write {value} in {name}."
        return f"{name} is {_IS[kinds[0]]} and {value} is {_IS[kinds[1]]}, which can't be compared."

    def _among(self, left: Node, right: Node) -> None:
        kind, name = self._kind(left), _shown(left)
        if isinstance(right, ListOf):
            self._among_listed(left, kind, right)
            return
        if self._kind(right) is Kind.TEXTS:
            if kind is not Kind.TEXT:
                raise self._mistake(right, f"{_shown(right)} is a list of texts, and {name} is {_IS[kind]}.")
            if isinstance(left, Literal) and isinstance(right, Name):
                self._need_possible(right, left)
            return
        if isinstance(right, Literal):
            raise self._mistake(right, f"in needs a list. Write {name} in [{_shown(right)}].")
        shown = _shown(right)
        raise self._mistake(right, f"{shown} is {_IS[self._kind(right)]}, not a list. Write {shown} == {name}.")

    def _among_listed(self, left: Node, kind: Kind, listed: ListOf) -> None:
        if not listed.items:
            raise self._mistake(listed, "The list is empty, so this never matches. Enter at least one value.")
        if kind is Kind.TEXTS:
            first, name = _shown(listed.items[0]), _shown(left)
            raise self._mistake(listed, f"{name} is a list itself. Write {first} in {name}.")
        for item in listed.items:
            self._compared(item, "==", left, item)

    def _called(self, name: str, target: Node, argument: Node | None) -> Kind:
        kind, shown = self._kind(target), _shown(target)
        if name == "size":
            if kind not in {Kind.TEXT, Kind.TEXTS}:
                raise self._mistake(target, f"{shown} is {_IS[kind]} and has no size. Compare it directly.")
            return Kind.INTEGER
        if argument is None or self._kind(argument) is not Kind.TEXT:
            raise self._mistake(target, f'{name} compares with a text in quotes, such as {name}("eu").')
        if kind is Kind.TEXTS:
            raise self._mistake(target, f"{shown} is a list. Write {_shown(argument)} in {shown}.")
        if kind is not Kind.TEXT:
            raise self._mistake(target, f"{shown} is {_IS[kind]}, and {name} compares texts. Use ==.")
        if isinstance(target, Name) and isinstance(argument, Literal):
            self._need_possible_part(name, target, argument)
        return Kind.BOOLEAN

    def _need_in_range(self, sign: str, name: Name, number: Literal) -> None:
        value: Any = number.value
        possible = {
            "==": 0 <= value <= MAX_INTEGER and value == int(value),
            "!=": 0 <= value <= MAX_INTEGER and value == int(value),
            "<": value > 0,
            "<=": value >= 0,
            ">": value < MAX_INTEGER,
            ">=": value <= MAX_INTEGER,
        }
        if not possible[sign]:
            always = "always" if sign == "!=" else "never"
            raise self._mistake(
                number, f"{name.text} is a whole number, 0 or more, so this {always} matches. Use another number."
            )

    def _need_possible(self, name: Name, literal: Literal) -> None:
        value, fact = str(literal.value), self.facts[name.text]
        is_open = self.may_end_open and value.endswith("*")
        if fact.choices:
            begun, choices = (value[:-1] if is_open else value), self._spelled(name, fact.choices)
            spelled = self._spelled(name, [begun])[0]
            if not any(choice.startswith(spelled) if is_open else choice == spelled for choice in choices):
                raise self._mistake(literal, _not_a_choice(name, value, fact.choices))
        elif not value:
            raise self._mistake(
                literal,
                f"{name.text} is never empty, so this never matches. on_missing says what happens without it.",
            )
        elif _NO_TOKEN.search(value[:-1]) if is_open else not _SHAPES.get(name.text, _TOKEN).fullmatch(value):
            raise self._mistake(literal, _not_a_token(name, value))

    def _need_possible_part(self, method: str, name: Name, literal: Literal) -> None:
        value, choices = str(literal.value), self.facts[name.text].choices
        if choices:
            spelled, part = self._spelled(name, choices), self._spelled(name, [value])[0]
            holds = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}[method]
            if not any(holds(choice, part) for choice in spelled):
                raise self._mistake(literal, _not_a_choice(name, value, choices))
        elif _NO_TOKEN.search(value):
            raise self._mistake(literal, _not_a_token(name, value))

    def _spelled(self, name: Name, texts: Sequence[str]) -> Sequence[str]:
        return [text.lower() for text in texts] if name.text in self.lowered else texts

    def _mistake(self, node: Node, advice: str) -> Mistake:
        return Mistake(self.condition, node.place, advice)


def _shown(node: Node) -> str:
    shown = "this"
    match node:
        case Name(text=text):
            shown = text
        case Literal(kind=Kind.TEXT, value=value):
            shown = f'"{value}"'
        case Literal(value=value):
            shown = str(value).lower()
        case ListOf():
            shown = "the list"
        case Call(name="size"):
            shown = "size(…)"
    return shown


def _not_a_choice(name: Name, value: str, choices: Sequence[str]) -> str:
    near = nearest(value.lower(), choices)
    hint = f' Did you mean "{near}"?' if near else ""
    return f'{name.text} is never "{value}", so this never matches.{hint} It can be {", ".join(choices)}.'


def _not_a_token(name: Name, value: str) -> str:
    instead = _NO_TOKEN.sub("-", value).strip("-*")
    example = f' Use the code that your callers send, such as "{instead}".' if instead not in {"", value} else ""
    return f'{name.text} has no spaces or special characters, so it is never "{value}".{example}'
