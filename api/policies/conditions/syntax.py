"""Conditions as trees of comparisons, for whoever must understand one rather than run it.

Read is what customers write: names, numbers, texts and lists, compared and joined. What is beyond that, such as
escapes or arithmetic, raises NotPlain and stays with the CEL engine. Imports no database.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

from api.policies.trees import Kind

MAX_DEPTH = 20
"""Of brackets, so that no condition nests more deeply than Python reads."""


COMPARED = frozenset({"==", "!=", "<", "<=", ">", ">="})
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


class NotPlain(Exception):
    """Not a condition, or one that only the CEL engine understands."""


class Node(msgspec.Struct, frozen=True):
    place: int
    """Of its first character, or of its sign."""


class Name(Node, frozen=True):
    text: str


class Literal(Node, frozen=True):
    kind: Kind
    value: bool | int | float | str


class ListOf(Node, frozen=True):
    items: tuple[Node, ...]


class Call(Node, frozen=True):
    """`target.name(argument)`; `size` has no argument."""

    name: str
    target: Node
    argument: Node | None


class Not(Node, frozen=True):
    operand: Node


class Comparison(Node, frozen=True):
    sign: str
    """Of COMPARED, or `in`."""
    left: Node
    right: Node


class Joined(Node, frozen=True):
    sign: str
    parts: tuple[Node, ...]


def parsed(condition: str) -> Node:
    """Raises NotPlain."""
    reader = _Reader(list(_tokens_of(condition)))
    node = reader.any_of()
    reader.need_end()
    return node


def nodes_of(node: Node) -> Iterator[Node]:
    """The node and all within it."""
    yield node
    for child in _children_of(node):
        yield from nodes_of(child)


def _children_of(node: Node) -> tuple[Node, ...]:
    match node:
        case ListOf(items=items):
            return items
        case Call(target=target, argument=argument):
            return (target,) if argument is None else (target, argument)
        case Not(operand=operand):
            return (operand,)
        case Comparison(left=left, right=right):
            return (left, right)
        case Joined(parts=parts):
            return parts
    return ()


class _Token(msgspec.Struct, frozen=True):
    group: str
    text: str
    place: int


def _tokens_of(condition: str) -> Iterator[_Token]:
    place = 0
    while condition[place:].strip():
        found = _TOKEN.match(condition, place)
        if found is None or found.lastgroup is None:
            raise NotPlain
        place = found.end()
        if found.lastgroup != "comment":
            yield _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
    yield _Token("", "", place)


class _Reader:
    """Recursive descent in CEL's own order of operators."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def need_end(self) -> None:
        if self._peek().group:
            raise NotPlain

    def any_of(self) -> Node:
        return self._joined("||", self._all_of)

    def _all_of(self) -> Node:
        return self._joined("&&", self._compared)

    def _joined(self, sign: str, part: Callable[[], Node]) -> Node:
        place = self._peek().place
        parts = [part()]
        while self._takes(sign):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(place, sign, tuple(parts))

    def _compared(self) -> Node:
        left, token = self._negated(), self._peek()
        is_sign = token.group == "sign" and token.text in COMPARED
        if is_sign or (token.group, token.text) == ("name", "in"):
            self._at += 1
            return Comparison(token.place, token.text, left, self._negated())
        return left

    def _negated(self) -> Node:
        place = self._peek().place
        if self._takes("!"):
            if self._peek().text == "!":
                raise NotPlain  # so that no row of them nests more deeply than Python reads
            return Not(place, self._negated())
        if self._takes("-"):
            return self._number(self._next(), sign=-1, place=place)
        return self._with_calls()

    def _with_calls(self) -> Node:
        node = self._atom()
        while self._takes("."):
            token = self._next()
            if token.group != "name":
                raise NotPlain
            self._need("(")
            node = self._call(token, node)
        return node

    def _call(self, name: _Token, target: Node) -> Node:
        argument = None if name.text == "size" else self._within_brackets()
        self._need(")")
        return Call(name.place, name.text, target, argument)

    def _atom(self) -> Node:
        token = self._next()
        match token.group:
            case "number" | "integer":
                return self._number(token)
            case "text":
                return Literal(token.place, Kind.TEXT, token.text[1:-1])
            case "name":
                return self._named(token)
            case "sign" if token.text == "(":
                inner = self._within_brackets()
                self._need(")")
                return inner
            case "sign" if token.text == "[":
                return self._list(token)
        raise NotPlain

    def _number(self, token: _Token, *, sign: int = 1, place: int | None = None) -> Node:
        at = token.place if place is None else place
        if token.group == "integer":
            return Literal(at, Kind.INTEGER, sign * int(token.text))
        if token.group == "number":
            return Literal(at, Kind.NUMBER, sign * float(token.text))
        raise NotPlain

    def _named(self, token: _Token) -> Node:
        if token.text in {"true", "false"}:
            return Literal(token.place, Kind.BOOLEAN, token.text == "true")
        if token.text in {"in", "null"}:
            raise NotPlain
        if token.text == "size" and self._takes("("):
            return self._call(token, self._within_brackets())
        return Name(token.place, token.text)

    def _list(self, opening: _Token) -> Node:
        items = []
        while not self._takes("]"):
            items.append(self._within_brackets())
            if not self._takes(","):
                self._need("]")
                break
        return ListOf(opening.place, tuple(items))

    def _within_brackets(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotPlain
        inner = self.any_of()
        self._depth -= 1
        return inner

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._peek()
        if not token.group:
            raise NotPlain
        self._at += 1
        return token

    def _takes(self, sign: str) -> bool:
        token = self._peek()
        if token.group != "sign" or token.text != sign:
            return False
        self._at += 1
        return True

    def _need(self, sign: str) -> None:
        if not self._takes(sign):
            raise NotPlain
