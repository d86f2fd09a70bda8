"""One request after another with hostile text in each part of the address and in each filter; and what came of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import msgspec
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule

from core.clock import monotonic_s
from core.db import acting_as_system, db
from deploy.attack_test.instance import OPERATOR, OWNER, SCRIPT, browser_of

STATEMENTS = ("'; DROP TABLE decision; --", "' OR '1'='1", "1; SELECT pg_sleep(4); --", "%' AND 1=1 --", SCRIPT)
FILTERS = (
    *("q", "model", "operation", "reason", "subject", "key", "allowed", "status", "kind", "action", "actor", "sort"),
    *("page", "page_size", "after", "cursor", "from", "to", "since", "until", "next", "plan", "period", "month"),
)
SLOW_S = 4.0
SERVER_ERROR = 500
FOR_KEYS = ("/v1/", "/api/")
NOT_TRIED = ("/static/", "/_sandbox")
_NOBODY = "00000000-0000-7000-8000-000000000000"
_PART = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?\w+>")


class Outcome(msgspec.Struct):
    routes: int = 0
    answers: int = 0
    failures: list[str] = []
    markup: list[str] = []


def attack(app: Flask, secret: str) -> Outcome:
    outcome = Outcome()
    before = _tables(app)
    for email in (None, OWNER, OPERATOR):
        for rule in _rules(app):
            _attack_rule(app, rule, email, outcome, secret)
    if _tables(app) != before:
        outcome.failures.append("a table is gone")
    outcome.routes = len(_rules(app))
    return outcome


def _attack_rule(app: Flask, rule: Rule, email: str | None, outcome: Outcome, secret: str) -> None:
    browser = browser_of(app, email)
    is_api = rule.rule.startswith(FOR_KEYS)
    headers = {"Authorization": f"Bearer {secret}"} if is_api else {"Accept": "text/html"}
    for words in STATEMENTS:
        _judge(browser, rule, words, outcome, headers)


def _judge(browser: FlaskClient, rule: Rule, words: str, outcome: Outcome, headers: Mapping[str, str]) -> None:
    method = "GET" if "GET" in _methods(rule) else min(_methods(rule))
    path, filters = path_of(rule.rule, words), dict.fromkeys(FILTERS, words)
    began_s = monotonic_s()
    answer = browser.open(path, method=method, query_string=filters, headers=headers)
    outcome.answers += 1
    where = f"{method} {rule.rule}"
    if (answer.status_code >= SERVER_ERROR or monotonic_s() - began_s > SLOW_S) and where not in outcome.failures:
        outcome.failures.append(where)
    if is_broken_out(answer.get_data(), answer.headers) and where not in outcome.markup:
        outcome.markup.append(where)


def is_broken_out(body: bytes, headers: Headers) -> bool:
    """Whether the text came out as markup of a page, or the page lets scripts in that are not ours."""
    if "text/html" not in headers.get("Content-Type", ""):
        return False
    policy = headers.get("Content-Security-Policy", "")
    is_open = "script-src 'self'" not in policy or "unsafe" in policy
    return SCRIPT.partition('"')[0].encode() in body or b"<img src=x" in body or is_open


def path_of(rule: str, words: str) -> str:
    """Its address, with the text in every part that takes text."""
    return _PART.sub(lambda part: quote(_value(part[1] or "", part[2] or "", words), safe=""), rule)


def _value(converter: str, options: str, words: str) -> str:
    if converter == "any":
        return options.partition(",")[0].strip()
    return {"uuid": _NOBODY, "int": "1"}.get(converter, words)


def _rules(app: Flask) -> Sequence[Rule]:
    return [rule for rule in app.url_map.iter_rules() if _methods(rule) and not rule.rule.startswith(NOT_TRIED)]


def _methods(rule: Rule) -> set[str]:
    return set(rule.methods or ()) - {"OPTIONS", "HEAD"}


def _tables(app: Flask) -> list[str]:
    with app.app_context(), acting_as_system():
        return list(_names())


def _names() -> Iterator[str]:
    yield from db.session.scalars(
        text("SELECT tablename::text FROM pg_tables WHERE schemaname IN ('public', 'jobs') ORDER BY 1")
    )
