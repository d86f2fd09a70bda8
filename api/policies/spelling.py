"""Models and operations in conditions, in the form in which lists and filters compare them too.

A comparison of `model` or `operation` with texts is rewritten when its rule is compiled: the variable becomes the one
that carries the normal form, and the texts take that form. One that names another fact as well is left as it is, since
the texts may be that fact's. Imports no database.
"""

import json
import re
from collections.abc import Callable, Mapping

import cel

from api.policies.vocabulary import normal_model, normal_operation

NORMAL_MODEL, NORMAL_OPERATION = "MODEL", "OPERATION"
"""Variables of the rewritten conditions. No fact's name has capitals."""

_NORMAL = {"model": (NORMAL_MODEL, normal_model), "operation": (NORMAL_OPERATION, normal_operation)}
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


def normalized(condition: str) -> str:
    """The condition with its comparisons of models and operations in normal form."""
    pieces, comparison, place = [], list[tuple[str, str]](), 0
    for token in _TOKEN.finditer(condition):
        comparison.append(("", condition[place : token.start()]))
        place = token.end()
        if token.lastgroup == "join":
            pieces += [_rewritten(comparison), token.group()]
            comparison = []
        else:
            comparison.append((token.lastgroup or "", token.group()))
    comparison.append(("", condition[place:]))
    return "".join([*pieces, _rewritten(comparison)])


def _rewritten(comparison: list[tuple[str, str]]) -> str:
    """`comparison` is what stands between two of `&&` and `||`, as pairs of a token's kind and text."""
    names = {text for kind, text in comparison if kind in {"name", "member"}} - _KEYWORDS
    if len(names) != 1 or not names <= _NORMAL.keys():
        return "".join(text for _, text in comparison)
    variable, normal = _NORMAL[names.pop()]
    done = []
    for kind, text in comparison:
        if kind == "text":
            done.append(_literal(text, normal))
        else:
            done.append(variable if kind == "name" and text not in _KEYWORDS else text)
    return "".join(done)


def _literal(text: str, normal: Callable[[str], str]) -> str:
    """A text in normal form. What an unusual one says is asked of the engine, which knows every way to write it."""
    if _PLAIN_TEXT.fullmatch(text):
        return f"{text[0]}{normal(text[1:-1])}{text[0]}"
    try:
        value = cel.compile(text).execute(cel.Context({}))
    except (ValueError, RuntimeError):
        return text
    return json.dumps(normal(value), ensure_ascii=False) if isinstance(value, str) else text
