"""Markdown as HTML. Markup inside the text is shown, not obeyed; headings get ids, so that sections can be linked,
and the cells of wide tables what stands above their columns, for phones."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_CONTENTS_LEVEL = 2
_CELLS = {"th_open", "td_open"}
_CARD_COLUMNS = 4
"""From how many columns on the rows of a table become cards on a phone, whatever they hold."""
_TEXT_COLUMNS, _TEXT_LENGTH = 3, 40
"""With so many columns they do if a cell is a text as long as this, which would stand in a column of a few letters."""


class Heading(msgspec.Struct, frozen=True):
    level: int
    id: str
    text: str


class Page(msgspec.Struct, frozen=True):
    html: str
    contents: tuple[Heading, ...]
    """The headings below the title, for a table of contents."""


def parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


@lru_cache(maxsize=64)
def to_page(markdown: str) -> Page:
    reader = parser()
    tokens = reader.parse(markdown)
    headings = tuple(_name_headings(tokens))
    _label_cells(tokens)
    return Page(
        html=reader.renderer.render(tokens, reader.options, {}),
        contents=tuple(heading for heading in headings if heading.level == _CONTENTS_LEVEL),
    )


def to_html(markdown: str) -> str:
    return to_page(markdown).html


def heading_ids(markdown: str) -> dict[int, str]:
    """The id of each heading, by the line on which it stands, from 0."""
    tokens = parser().parse(markdown)
    headings = _name_headings(tokens)
    lines = [token.map[0] for token in tokens if token.type == "heading_open" and token.map]
    return {line: heading.id for line, heading in zip(lines, headings, strict=True)}


def plain_text(inline: Token) -> str:
    """What a reader sees of an inline token."""
    return "".join(" " if child.type == "softbreak" else child.content for child in inline.children or ())


def _name_headings(tokens: Sequence[Token]) -> list[Heading]:
    headings: list[Heading] = []
    taken: set[str] = set()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = plain_text(inline)
            identifier = _free_id(_NOT_IN_IDS.sub("-", text.lower()).strip("-") or "section", taken)
            opening.attrSet("id", identifier)
            headings.append(Heading(level=int(opening.tag[1:]), id=identifier, text=text))
    return headings


def _label_cells(tokens: Sequence[Token]) -> None:
    """Writes beside each cell of a wide table what stands above its column. The first cell is the card's title."""
    starts = [place for place, token in enumerate(tokens) if token.type == "table_open"]
    for start, end in pairwise([*starts, len(tokens)]):
        cells = [(cell, plain_text(inline)) for cell, inline in pairwise(tokens[start:end]) if cell.type in _CELLS]
        labels = [text for cell, text in cells if cell.type == "th_open"]
        if not _is_wide(len(labels), max(len(text) for _, text in cells)):
            continue
        tokens[start].attrSet("class", "cards")
        for number, (cell, _) in enumerate(cells):
            column = number % len(labels)
            if column and cell.type == "td_open":
                cell.attrSet("data-label", labels[column])


def _is_wide(columns: int, longest: int) -> bool:
    return columns >= _CARD_COLUMNS or (columns == _TEXT_COLUMNS and longest >= _TEXT_LENGTH)


def _free_id(wanted: str, taken: set[str]) -> str:
    identifier, count = wanted, 1
    while identifier in taken:
        count += 1
        identifier = f"{wanted}-{count}"
    taken.add(identifier)
    return identifier
