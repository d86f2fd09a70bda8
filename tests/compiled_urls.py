"""Each URL becomes code once in a process, however many apps it makes: that is most of what making one costs."""

from collections.abc import Callable

from werkzeug.routing import Rule

_compile = Rule._compile_builder
_compiled: dict[object, Callable[..., tuple[str, str]]] = {}


def compile_once() -> None:
    Rule._compile_builder = _compile_or_find  # type: ignore[assignment, method-assign]


def _compile_or_find(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """The code depends on the words and the defaults of a rule, and is bound to the rule by its caller."""
    words = (rule.rule, tuple(rule._trace), tuple(sorted((rule.defaults or {}).items())), append_unknown)
    if words not in _compiled:
        _compiled[words] = _compile(rule, append_unknown)
    return _compiled[words]
