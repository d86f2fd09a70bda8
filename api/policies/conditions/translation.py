"""Conditions as trees, where their types are plain; what is not stays with the CEL engine.

Plain are truth values, numbers, ASCII texts and lists of texts, compared with each other by what all languages mean
alike. Whatever is beyond that raises Beyond: a wrong guess would be a wrong decision. Imports no database.
"""

from collections.abc import Mapping

from api.policies.conditions.syntax import Call, Comparison, Joined, ListOf, Literal, Name, Node, Not, NotPlain
from api.policies.conditions.syntax import parsed as read
from api.policies.trees import Beyond, Kind, Source, Tree

NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
_OF_TEXTS = frozenset({"startsWith", "endsWith", "contains"})
_WORDS = {"||": "or", "&&": "and"}

Typed = tuple[Kind, Tree]


def translated(condition: str, sources: Mapping[str, tuple[Kind, Source]]) -> Tree:
    """`sources` by the names that the condition may use. Raises Beyond."""
    try:
        node = read(condition)
    except NotPlain as error:
        raise Beyond from error
    return tree_of(node, sources)


def tree_of(node: Node, sources: Mapping[str, tuple[Kind, Source]]) -> Tree:
    """Raises Beyond."""
    kind, tree = _Translator(sources).of(node)
    if kind is not Kind.BOOLEAN:
        raise Beyond
    return tree


class _Translator:
    """Answers a kind and its tree."""

    def __init__(self, sources: Mapping[str, tuple[Kind, Source]]) -> None:
        self._sources = sources

    def of(self, node: Node) -> Typed:
        match node:
            case Joined(sign=sign, parts=parts):
                typed = Kind.BOOLEAN, [_WORDS[sign], *map(self._truth, parts)]
            case Comparison(sign="in", left=left, right=right):
                typed = Kind.BOOLEAN, ["in", self._need(left, Kind.TEXT), self._need(right, Kind.TEXTS)]
            case Comparison(sign=sign, left=left, right=right):
                typed = self._compared(sign, self.of(left), self.of(right))
            case Not(operand=operand):
                typed = Kind.BOOLEAN, ["not", self._truth(operand)]
            case Call(name="size", target=target):
                typed = self._size(*self.of(target))
            case Call(name=name, target=target, argument=argument) if name in _OF_TEXTS and argument is not None:
                typed = Kind.BOOLEAN, [name, self._need(target, Kind.TEXT), self._need(argument, Kind.TEXT)]
            case Literal():
                typed = self._literal(node)
            case ListOf(items=items):
                typed = Kind.TEXTS, ["list", *(self._need(item, Kind.TEXT) for item in items)]
            case Name(text=text) if text in self._sources:
                kind, source = self._sources[text]
                typed = kind, list(source)
            case _:
                raise Beyond
        return typed

    def _truth(self, node: Node) -> Tree:
        return self._need(node, Kind.BOOLEAN)

    def _need(self, node: Node, kind: Kind) -> Tree:
        found, tree = self.of(node)
        if found is not kind:
            raise Beyond
        return tree

    def _compared(self, sign: str, left: Typed, right: Typed) -> Typed:
        kinds = {left[0], right[0]}
        is_alike = kinds <= NUMERIC or kinds in ({Kind.TEXT}, {Kind.BOOLEAN})
        if not is_alike or (kinds == {Kind.BOOLEAN} and sign not in {"==", "!="}):
            raise Beyond
        return Kind.BOOLEAN, [sign, left[1], right[1]]

    def _size(self, kind: Kind, tree: Tree) -> Typed:
        if kind not in {Kind.TEXT, Kind.TEXTS}:
            raise Beyond
        return Kind.INTEGER, ["bytes" if kind is Kind.TEXT else "length", tree]

    def _literal(self, literal: Literal) -> Typed:
        if isinstance(literal.value, str) and not literal.value.isascii():
            raise Beyond
        return literal.kind, literal.value
