"""Models, operations and kinds of personal data in conditions, in the form in which lists and filters compare them.

A comparison of `model`, `operation` or `pii_types` with texts is rewritten when its rule is compiled: the variable
becomes the one that carries the normal form, and the texts take that form. One that names another fact as well is left
as it is, since the texts may be that fact's.

Where a policy compares in normal form, this goes for every text fact, also with each other, without regard to case; and
a text that ends in * stands for all that begin with it. Imports no database.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from api.content.pii_kinds import normal_kind
from api.policies.engine import cel
from api.policies.normal_forms import NORMAL_MODEL, NORMAL_OPERATION, NORMAL_PII_TYPES, lowered_variable
from api.vocabulary import PII_TYPES, normal_model, normal_operation

_NORMAL = {
    "model": (NORMAL_MODEL, normal_model),
    "operation": (NORMAL_OPERATION, normal_operation),
    PII_TYPES: (NORMAL_PII_TYPES, normal_kind),
}
_ENDS_OPEN = re.compile(r"(\"[^\"\\\n*]*|'[^'\\\n*]*)\*([\"'])")
_TEXT = r"(?:\"[^\"\\\n]*\"|'[^'\\\n]*')"
_EQUALS = re.compile(rf"\b([A-Z][A-Z0-9_]*)\s*([=!])=\s*({_TEXT})")
_EQUALS_REVERSED = re.compile(rf"({_TEXT})\s*([=!])=\s*([A-Z][A-Z0-9_]*)\b")
_LISTED = re.compile(rf"\b([A-Z][A-Z0-9_]*)\s+in\s*\[\s*((?:{_TEXT}\s*,?\s*)+)\]")
_EACH_TEXT = re.compile(_TEXT)
_KEYWORDS = frozenset({"in", "true", "false", "null"})
_PLAIN_TEXT = re.compile(r"\"[^\"\\\n]*\"|'[^'\\\n]*'")
_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*)"
    r"|(?P<text>[bB]?[rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|\"[^\"\n]*\"|'[^'\n]*')"
    r"|[bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
    r"|(?P<join>&&|\|\|)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<function>\.?\s*[A-Za-z_]\w*\s*\()"
    r"|(?P<member>\.\s*[A-Za-z_]\w*)"
    r"|(?P<name>[A-Za-z_]\w*)",
    re.DOTALL | re.ASCII,
)


def normal_forms(model: str, operation: str) -> Mapping[str, str]:
    return {NORMAL_MODEL: normal_model(model), NORMAL_OPERATION: normal_operation(operation)}


def normalized(condition: str, texts: frozenset[str] | None = None) -> str:
    """The condition with its comparisons of models, operations and kinds of personal data in normal form.

    `texts` are the variables of the text facts that are compared so as well; None where only those three are.
    """
    if texts is None:
        return "".join(_rewritten(comparison) + join for comparison, join in _comparisons(condition))
    compared = texts | {"model"}
    return "".join(
        _with_beginnings(_rewritten(comparison, compared)) + join for comparison, join in _comparisons(condition)
    )


def has_open_end(condition: str) -> bool:
    """Whether a text in it ends in * after all that could be rewritten was."""
    return _ENDS_OPEN.search(condition) is not None


def _with_beginnings(comparison: str) -> str:
    """`MODEL == "gpt-4o*"` as what the language has for it."""
    if not has_open_end(comparison):
        return comparison
    comparison = _EQUALS.sub(lambda found: _equal(found[1], found[2], found[3], found[0]), comparison)
    comparison = _EQUALS_REVERSED.sub(lambda found: _equal(found[3], found[2], found[1], found[0]), comparison)
    return _LISTED.sub(lambda found: _among(found[1], _EACH_TEXT.findall(found[2]), found[0]), comparison)


def _equal(variable: str, sign: str, text: str, whole: str) -> str:
    if not has_open_end(text):
        return whole
    return f"{'!' if sign == '!' else ''}{variable}.startsWith({_beginning(text)})"


def _among(variable: str, texts: Sequence[str], whole: str) -> str:
    beginnings = [text for text in texts if has_open_end(text)]
    if not beginnings:
        return whole
    others = [text for text in texts if text not in beginnings]
    parts = [f"{variable}.startsWith({_beginning(text)})" for text in beginnings]
    parts += [f"{variable} in [{', '.join(others)}]"] if others else []
    return f"({' || '.join(parts)})"


def _beginning(text: str) -> str:
    return f"{text[:-2]}{text[-1]}"


def pii_kinds_named(condition: str) -> list[str]:
    """The texts with which a condition compares `pii_types`."""
    compared = [comparison for comparison, _ in _comparisons(condition) if _names_in(comparison) == {PII_TYPES}]
    texts = [_value_of(text) for comparison in compared for kind, text in comparison if kind == "text"]
    return [text for text in texts if text is not None]


def _comparisons(condition: str) -> Iterator[tuple[list[tuple[str, str]], str]]:
    """What stands between two of `&&` and `||`, as pairs of a token's kind and text; and the join that follows."""
    comparison, place = list[tuple[str, str]](), 0
    for token in _TOKEN.finditer(condition):
        comparison.append(("", condition[place : token.start()]))
        place = token.end()
        if token.lastgroup == "join":
            yield comparison, token.group()
            comparison = []
        else:
            comparison.append((token.lastgroup or "", token.group()))
    yield [*comparison, ("", condition[place:])], ""


def _names_in(comparison: list[tuple[str, str]]) -> set[str]:
    return {text for kind, text in comparison if kind in {"name", "member"}} - _KEYWORDS


def _rewritten(comparison: list[tuple[str, str]], compared: frozenset[str] = frozenset()) -> str:
    names = _names_in(comparison)
    if names and names <= compared:
        return _in_normal_form(comparison, normal_model)
    if len(names) != 1 or not names <= _NORMAL.keys():
        return "".join(text for _, text in comparison)
    return _in_normal_form(comparison, _NORMAL[names.pop()][1])


def _in_normal_form(comparison: list[tuple[str, str]], normal: Callable[[str], str]) -> str:
    done = []
    for kind, text in comparison:
        if kind == "text":
            done.append(_literal(text, normal))
        else:
            done.append(lowered_variable(text) if kind == "name" and text not in _KEYWORDS else text)
    return "".join(done)


def _literal(text: str, normal: Callable[[str], str]) -> str:
    """A text in normal form."""
    if _PLAIN_TEXT.fullmatch(text):
        return f"{text[0]}{normal(text[1:-1])}{text[0]}"
    value = _value_of(text)
    return text if value is None else json.dumps(normal(value), ensure_ascii=False)


def _value_of(text: str) -> str | None:
    """What a text says. That of an unusual one is asked of the engine, which knows every way to write it."""
    if _PLAIN_TEXT.fullmatch(text):
        return text[1:-1]
    try:
        value = cel.compile(text).execute(cel.Context({}))
    except (ValueError, RuntimeError):
        return None
    return value if isinstance(value, str) else None
