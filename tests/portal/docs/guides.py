"""The guides taken apart: their blocks of code, their tables, their prose and their links."""

import re
from collections.abc import Iterator
from itertools import zip_longest

import msgspec
from markdown_it.token import Token

from legal_docs.documents.html import parser
from portal.docs import articles
from portal.docs.articles import FOLDER, GROUPS, Article

BASE_URL = "https://api.provider.example"
NAMES = tuple(name for names in GROUPS.values() for name in names)
RUNNABLE = "runnable"
_CODES = re.compile(r"`([a-z_]+)`")


class Block(msgspec.Struct, frozen=True):
    """A block of code. `marks` stand behind its language; `answer` is what the guide says comes of it."""

    language: str
    marks: tuple[str, ...]
    code: str
    answer: str | None

    @property
    def file_name(self) -> str | None:
        return next((mark for mark in self.marks if mark.endswith(".py")), None)


def guide(name: str, *, base_url: str = BASE_URL) -> Article:
    return articles.find(name, base_url=base_url)


def source_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text()


def blocks_of(article: Article) -> list[Block]:
    fences = [token for token in parser().parse(article.markdown) if token.type == "fence"]
    return [_block(fence, following) for fence, following in zip_longest(fences, fences[1:])]


def _block(fence: Token, following: Token | None) -> Block:
    language, *marks = fence.info.split()
    is_answered = following is not None and following.info == "json answer"
    return Block(language, tuple(marks), fence.content, following.content if following and is_answered else None)


def links_of(article: Article) -> Iterator[str]:
    for token in _inline(article.markdown):
        yield from (str(child.attrs["href"]) for child in token.children or () if child.type == "link_open")


def prose_of(markdown: str) -> Iterator[str]:
    """What is neither a block of code nor code within a line."""
    for token in _inline(markdown):
        yield "".join(child.content for child in token.children or () if child.type == "text")


def rows_under(article: Article, *headings: str) -> list[list[str]]:
    """The cells of every table below one of these headings."""
    parts = re.split(r"^## ", article.markdown, flags=re.MULTILINE)
    lines = [line for part in parts if part.partition("\n")[0] in headings for line in part.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]


def codes_in(cell: str) -> list[str]:
    return _CODES.findall(cell)


def _inline(markdown: str) -> list[Token]:
    return [token for token in parser().parse(markdown) if token.type == "inline"]
