"""Full-text search over the documentation: every section of the guides, every endpoint, fact, policy and problem.

The index is SQLite's, in memory, built once in each process from what the pages show.
"""

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from threading import Lock

import msgspec
from markdown_it.token import Token

from api.policies.document import POLICY_KEYS, describe
from api.v1.endpoint import declared_endpoints
from api.v1.reference.fields import fields_of
from api.v1.reference.problems import problems_of_the_api
from api.vocabulary import BUILT_IN
from legal_docs.documents.html import heading_ids, parser, plain_text
from portal.docs import articles, contents

MOST = 12
MOST_WORDS = 8
_OF_ENDPOINTS, _OF_PROBLEMS = 2.0, 0.5
"""Who looks for a word wants what does it, before what went wrong with it."""
_WORD = re.compile(r"\w+")
_FIND = """
    SELECT path, title, within, snippet(found, 3, char(1), char(2), ' … ', 24)
    FROM found WHERE found MATCH ? ORDER BY bm25(found, 0, 8, 4, 1) * weight, rowid LIMIT ?
"""


class Section(msgspec.Struct, frozen=True):
    """What a result leads to; `within` is the page on which it stands."""

    path: str
    title: str
    within: str
    text: str
    weight: float = 1.0


class Hit(msgspec.Struct, frozen=True):
    """`parts` is an excerpt: every second part is what was searched for."""

    path: str
    title: str
    within: str
    parts: tuple[str, ...]


class Index:
    def __init__(self, sections: Iterator[Section]) -> None:
        self._lock = Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(
            "CREATE VIRTUAL TABLE found USING fts5"
            "(path UNINDEXED, title, within, text, weight UNINDEXED, tokenize = \"porter unicode61 tokenchars '_'\")"
        )
        self._database.executemany("INSERT INTO found VALUES (?, ?, ?, ?, ?)", map(msgspec.structs.astuple, sections))

    def find(self, words: str) -> list[Hit]:
        """The best first; nothing for a search without a word."""
        query = " ".join(f'"{word}"*' for word in _WORD.findall(words)[:MOST_WORDS])
        if not query:
            return []
        with self._lock:
            rows = self._database.execute(_FIND, (query, MOST)).fetchall()
        return [
            Hit(path, title, within, tuple(re.split("[\x01\x02]", excerpt))) for path, title, within, excerpt in rows
        ]


@cache
def index(*, base_url: str) -> Index:
    return Index(_sections(base_url))


def _sections(base_url: str) -> Iterator[Section]:
    for names in articles.GROUPS.values():
        for name in names:
            yield from _of_guide(articles.find(name, base_url=base_url))
    for endpoint in declared_endpoints():
        shapes = [shape for shape in (endpoint.query, endpoint.body) if shape is not None]
        fields = " ".join(f"{row.name} {row.meaning}" for shape in shapes for row in fields_of(shape))
        text = f"{endpoint.method} {endpoint.path} {endpoint.description} {fields}"
        yield Section(contents.path_of(endpoint), endpoint.summary, "API reference", text, _OF_ENDPOINTS)
    for fact in BUILT_IN.values():
        yield Section(f"{contents.FACTS}#{fact.name}", fact.name, "Facts", fact.meaning)
    for key in POLICY_KEYS:
        title, description = describe(key)
        yield Section(f"{contents.POLICY_SETTINGS}#{key}", title, "Policy settings", f"{key} {description}")
    for problem in problems_of_the_api():
        path = f"{contents.PROBLEMS}/{problem.code}"
        text = f"{problem.code} {problem.status.value} {problem.advice}"
        yield Section(path, problem.title, "Problems", text, _OF_PROBLEMS)


def _of_guide(article: articles.Article) -> Iterator[Section]:
    """From heading to heading."""
    tokens = parser().parse(article.markdown)
    ids = heading_ids(article.markdown)
    path, title, text = f"/docs/{article.name}", article.title, [article.lead]
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and token.map and token.tag != "h1":
            yield Section(path, title, article.title, " ".join(text))
            path, title = f"/docs/{article.name}#{ids[token.map[0]]}", plain_text(tokens[place + 1])
            text = []
        elif token.type in {"inline", "fence"} and not _is_heading(tokens, place):
            text.append(plain_text(token) if token.children else token.content)
    yield Section(path, title, article.title, " ".join(text))


def _is_heading(tokens: list[Token], place: int) -> bool:
    return place > 0 and tokens[place - 1].type == "heading_open"
