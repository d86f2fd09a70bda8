"""Conditions as Python expressions, where their types are plain; what is not stays with the CEL engine.

Plain are truth values, numbers, ASCII texts and lists of texts, compared with each other by what both languages mean
alike. Whatever is beyond that raises Beyond: a wrong guess would be a wrong decision. Imports no database.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    TEXTS = "texts"


NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
_COMPARED = frozenset({"==", "!=", "<", "<=", ">", ">="})
_OF_TEXTS = {"startsWith": "{0}.startswith({1})", "endsWith": "{0}.endswith({1})", "contains": "({1} in {0})"}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<comment>//[^\n]*)
    | (?P<number>\d{1,15}\.\d{1,15})(?![\w.])
    | (?P<integer>\d{1,15})(?![\w.])
    | (?P<text>'[^'\\\n]*'|"[^"\\\n]*")
    | (?P<name>[A-Za-z_]\w*)(?!['"])
    | (?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],.\-])
    )""",
    re.VERBOSE | re.ASCII,
)
_END = ("", "")


class Beyond(Exception):
    """Not plainly typed."""


class Expression(msgspec.Struct, frozen=True):
    """Python, with a `variable` for each name of the condition in `names`."""

    code: str
    names: frozenset[str]


def translated(condition: str, kinds: Mapping[str, Kind], variables: Mapping[str, str]) -> Expression:
    """`kinds` and `variables` by the names that the condition may use. Raises Beyond."""
    reader = _Reader(_tokens_of(condition), kinds, variables)
    kind, code = reader.any_of()
    if kind is not Kind.BOOLEAN or reader.peek() != _END:
        raise Beyond
    return Expression(code, frozenset(reader.names))


def _tokens_of(condition: str) -> list[tuple[str, str]]:
    tokens, place = [], 0
    while condition[place:].strip():
        found = _TOKEN.match(condition, place)
        if found is None or found.lastgroup is None:
            raise Beyond
        place = found.end()
        if found.lastgroup != "comment":
            tokens.append((found.lastgroup, found[found.lastgroup]))
    return [*tokens, _END]


Typed = tuple[Kind, str]


class _Reader:
    """Recursive descent in CEL's own order of operators; each method answers a kind and its code."""

    def __init__(self, tokens: list[tuple[str, str]], kinds: Mapping[str, Kind], variables: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._place = 0
        self._kinds = kinds
        self._variables = variables
        self.names: set[str] = set()

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._place]

    def any_of(self) -> Typed:
        return self._joined("||", "or", self._all_of)

    def _all_of(self) -> Typed:
        return self._joined("&&", "and", self._compared)

    def _joined(self, sign: str, word: str, part: Callable[[], Typed]) -> Typed:
        parts = [part()]
        while self._takes(sign):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        if any(kind is not Kind.BOOLEAN for kind, _ in parts):
            raise Beyond
        return Kind.BOOLEAN, f"({f' {word} '.join(code for _, code in parts)})"

    def _compared(self) -> Typed:
        kind, code = self._negated()
        sign = self.peek()[1]
        if sign in _COMPARED and self.peek()[0] == "sign":
            self._place += 1
            other_kind, other = self._negated()
            _need_comparable(kind, sign, other_kind)
            return Kind.BOOLEAN, f"({code} {sign} {other})"
        if self.peek() == ("name", "in"):
            self._place += 1
            other_kind, other = self._negated()
            if (kind, other_kind) != (Kind.TEXT, Kind.TEXTS):
                raise Beyond
            return Kind.BOOLEAN, f"({code} in {other})"
        return kind, code

    def _negated(self) -> Typed:
        if self._takes("!"):
            if self.peek() == ("sign", "!"):
                raise Beyond  # so that no row of them nests more deeply than Python reads
            kind, code = self._negated()
            if kind is not Kind.BOOLEAN:
                raise Beyond
            return kind, f"(not {code})"
        if self._takes("-"):
            group, digits = self._next()
            if group not in {"integer", "number"}:
                raise Beyond
            return Kind(group), f"(-{digits})"
        return self._with_calls()

    def _with_calls(self) -> Typed:
        kind, code = self._atom()
        while self._takes("."):
            group, name = self._next()
            self._need("(")
            if group != "name":
                raise Beyond
            kind, code = self._size(kind, code) if name == "size" else self._of_text(name, kind, code)
        return kind, code

    def _size(self, kind: Kind, code: str) -> Typed:
        self._need(")")
        if kind not in {Kind.TEXT, Kind.TEXTS}:
            raise Beyond
        return Kind.INTEGER, f"len({code}.encode())" if kind is Kind.TEXT else f"len({code})"

    def _of_text(self, name: str, kind: Kind, code: str) -> Typed:
        other_kind, other = self.any_of()
        self._need(")")
        if name not in _OF_TEXTS or kind is not Kind.TEXT or other_kind is not Kind.TEXT:
            raise Beyond
        return Kind.BOOLEAN, _OF_TEXTS[name].format(code, other)

    def _atom(self) -> Typed:
        group, written = self._next()
        match group:
            case "number" | "integer":
                return Kind(group), str(int(written)) if group == "integer" else written
            case "text" if written.isascii():
                return Kind.TEXT, repr(written[1:-1])
            case "name":
                return self._named(written)
            case "sign" if written == "(":
                inner = self.any_of()
                self._need(")")
                return inner
            case "sign" if written == "[":
                return Kind.TEXTS, self._list()
        raise Beyond

    def _named(self, name: str) -> Typed:
        if name in {"true", "false"}:
            return Kind.BOOLEAN, name.capitalize()
        if name == "size" and self._takes("("):
            return self._size(*self.any_of())
        if name not in self._kinds:
            raise Beyond
        self.names.add(name)
        return self._kinds[name], self._variables[name]

    def _list(self) -> str:
        items = []
        while not self._takes("]"):
            kind, code = self.any_of()
            if kind is not Kind.TEXT:
                raise Beyond
            items.append(code)
            if not self._takes(","):
                self._need("]")
                break
        return "(" + "".join(f"{item}, " for item in items) + ")"

    def _next(self) -> tuple[str, str]:
        token = self.peek()
        if token == _END:
            raise Beyond
        self._place += 1
        return token

    def _takes(self, sign: str) -> bool:
        if self.peek() != ("sign", sign):
            return False
        self._place += 1
        return True

    def _need(self, sign: str) -> None:
        if not self._takes(sign):
            raise Beyond


def _need_comparable(kind: Kind, sign: str, other: Kind) -> None:
    """Raises Beyond."""
    if {kind, other} <= NUMERIC:
        return
    if kind is not other or kind not in {Kind.TEXT, Kind.BOOLEAN}:
        raise Beyond
    if kind is Kind.BOOLEAN and sign not in {"==", "!="}:
        raise Beyond
