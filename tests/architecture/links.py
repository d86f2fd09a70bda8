"""Every link that is written down as text: in templates, in Python and in the guides."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flask import Flask

from tests.databases import ROOT

ROOMS = ("api", "billing", "core", "legal_docs", "local", "portal")
SOME = "\x01"
"""Stands for whatever is filled in."""
_FILLED_IN = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TAG = re.compile(r"<(/?)(\w+)((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>")
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*\"([^\"]*)\"")
_BUTTON = re.compile(r"\{\{-?\s*button\(\s*([^,]+?)\s*,", re.DOTALL)
_SET = re.compile(r"\{%-?\s*set (\w+) = (.*?)\s*-?%\}", re.DOTALL)
ANY = "any method"
_METHODS = {
    "data-options": "POST",
    "href": "GET",
    "hx-get": "GET",
    "hx-post": "POST",
    "hx-put": "PUT",
    "hx-delete": "DELETE",
}
_LEADING = frozenset({"see_other", "redirect", "Redirected"})


class Link(NamedTuple):
    place: str
    method: str
    target: str
    """A path with SOME where something is filled in, or `endpoint:` and a name."""


def every_link() -> list[Link]:
    templates = [path for room in ROOMS for path in (ROOT / room).rglob("templates/**/*") if path.is_file()]
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    guides = list((ROOT / "docs").rglob("*.md"))
    found = [link for path in templates for link in _of_template(path)]
    found += [link for path in sources for link in _of_source(path)]
    return found + [link for path in guides for link in _of_guide(path)]


def is_served(link: Link, app: Flask) -> bool:
    if link.target.startswith("endpoint:"):
        name = re.split(r"[?#]", link.target.removeprefix("endpoint:"), maxsplit=1)[0]
        return any(link.method in (rule.methods or ()) for rule in app.url_map.iter_rules() if rule.endpoint == name)
    rules = [rule for rule in app.url_map.iter_rules() if matches(link.target, rule.rule)]
    return any(link.method == ANY or link.method in (rule.methods or ()) for rule in rules)


def matches(target: str, rule: str) -> bool:
    """Whether what is filled in can make the target an address of the rule."""
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    if path.startswith(SOME):  # its beginning is filled in
        ends = path.lstrip(SOME).split("/")[1:]
        return _segments_match(ends, rule.split("/")[-len(ends) :])
    return _segments_match(path.split("/"), rule.split("/"))


def _segments_match(given: list[str], served: list[str]) -> bool:
    for number, segment in enumerate(served):
        if segment.startswith("<path:"):
            return len(given) > number
        if number >= len(given) or not _segment_matches(given[number], segment):
            return False
    return len(given) == len(served)


def _segment_matches(given: str, served: str) -> bool:
    if "<" not in served:
        return re.fullmatch(".*".join(map(re.escape, given.split(SOME))), served) is not None
    if SOME in given:
        return True
    is_typed = re.search(r"<(uuid|int|float)[:(]", served) is not None
    fixed = map(re.escape, re.split(r"<[^>]*>", served))
    return not is_typed and re.fullmatch(".+".join(fixed), given) is not None


def _of_template(path: Path) -> Iterator[Link]:
    place, text = str(path.relative_to(ROOT)), path.read_text()
    known = {name: _as_path(value) for name, value in _SET.findall(text)}

    def mark(found: re.Match[str]) -> str:
        inner = found[1].strip()
        if inner == "base_url":
            return ""
        if known.get(inner):
            return known[inner]
        endpoint = re.match(r"url_for\(\s*['\"]([\w.]+)['\"]", inner)
        return f"endpoint:{endpoint[1]}" if endpoint else SOME

    marked = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    marked = re.sub(r"\{%.*?%\}", SOME, _FILLED_IN.sub(mark, marked), flags=re.DOTALL)
    if path.suffix == ".txt":
        for found in _paths_in_mail(text):
            yield Link(place, ANY if found.startswith("/v1/") else "GET", found)  # a mail shows a call of the API
        return
    buttons = filter(None, map(_as_path, _BUTTON.findall(text)))  # the macro makes a form that posts
    yield from (Link(place, "POST", path_of) for path_of in buttons)
    yield from _of_tags(place, marked)


def _of_tags(place: str, marked: str) -> Iterator[Link]:
    form_method = "GET"
    for closing, name, attributes in _TAG.findall(marked):
        given = {key.lower(): value for key, value in _ATTRIBUTE.findall(attributes)}
        if name == "form" and not closing:
            form_method = given.get("method", "get").upper()
        for key, value in given.items():
            method = _METHODS.get(key) or (form_method if key in {"action", "formaction"} else None)
            if method is not None and _is_ours(value):
                yield Link(place, method, value)


def _as_path(expression: str) -> str:
    """A path that is put together of texts and values; empty if it is none."""
    parts = [part.strip() for part in expression.split("~")]
    if not re.match(r"^['\"]/", parts[0]):
        return ""
    return "".join(part[1:-1] if re.fullmatch(r"'[^']*'|\"[^\"]*\"", part) else SOME for part in parts)


def _paths_in_mail(text: str) -> list[str]:
    written = re.findall(r"\{\{ base_url \}\}((?:/(?:\{\{.*?\}\}|[\w./-])*)+)", text)
    return [_FILLED_IN.sub(SOME, one).rstrip(".") for one in written]


def _is_ours(value: str) -> bool:
    if value.startswith("endpoint:"):
        return True
    if value.startswith(SOME):
        return re.fullmatch(rf"{SOME}(/[\w-]+)+", value) is not None
    return value.startswith("/") and not value.startswith("//")


def _of_source(path: Path) -> Iterator[Link]:
    place, tree = str(path.relative_to(ROOT)), ast.parse(path.read_text())
    for node in ast.walk(tree):
        for text in _links_of(node):
            target = _text_of(text)
            if target is not None and re.match(r"/($|[a-z?#])", target):
                yield Link(f"{place}:{text.lineno}", "GET", target)


def _links_of(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _LEADING:
            yield from (part for one in node.args[:1] for part in _choices(one))
        if name != "Endpoint":  # whose path is a rule
            named = (one.value for one in node.keywords if one.arg in {"path", "otherwise"})
            yield from (part for one in named for part in _choices(one))


def _choices(expression: ast.expr) -> list[ast.expr]:
    if isinstance(expression, ast.IfExp):
        return [*_choices(expression.body), *_choices(expression.orelse)]
    return [expression]


def _text_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else SOME for part in node.values)
    return None


def _of_guide(path: Path) -> Iterator[Link]:
    for target in re.findall(r"\]\((/[^)\s]*)\)", path.read_text()):
        yield Link(str(path.relative_to(ROOT)), "GET", target)
