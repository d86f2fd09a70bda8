"""Markdown as PDF: the same bytes for the same text, on every page its title, version, hash and number."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    ListFlowable,
    ListItem,
    LongTable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    TableStyle,
)

from legal_docs.documents.emails import BOLD, FONT, FONTS, spelled_out
from legal_docs.documents.html import parser

_MARGIN = 22 * mm
_ONE_AT_A_TIME = Lock()
"""Documents that are made at once would share the fonts' books of the letters they use."""
_WIDTH = A4[0] - 2 * _MARGIN
_ROOM_BELOW_HEADING = 35 * mm
_GREY = colors.HexColor("#444444")
_LINE = colors.HexColor("#999999")
_PALE = colors.HexColor("#f2f2f2")


class Imprint(msgspec.Struct, frozen=True):
    """What every page says at its foot."""

    title: str
    version: str
    sha256: str
    author: str


@lru_cache(maxsize=32)
def to_pdf(parts: tuple[str, ...], imprint: Imprint) -> bytes:
    """Each part, in Markdown, begins on a page of its own."""
    with _ONE_AT_A_TIME:
        return _build(parts, imprint)


def _build(parts: Sequence[str], imprint: Imprint) -> bytes:
    styles = _styles()
    story: list[Flowable] = []
    for part in parts:
        story += [PageBreak()] if story else []
        story += _flowables(SyntaxTreeNode(parser().parse(part)), styles)
    target = BytesIO()
    SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=20 * mm,
        bottomMargin=24 * mm,
        title=f"{imprint.title}, version {imprint.version}",
        author=imprint.author,
        subject=f"SHA-256 {imprint.sha256}",
        creator="AI Governance",
        invariant=1,
        lang="en",
    ).build(story, canvasmaker=_numbered(imprint))
    return target.getvalue()


def _numbered(imprint: Imprint) -> Callable[..., Canvas]:
    """A canvas that knows how many pages there are when it writes the feet."""

    class NumberedCanvas(Canvas):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802  the library's name
            self._pages.append(dict(self.__dict__))
            self._startPage()  # type: ignore[attr-defined]

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                self._write_foot(number)
                super().showPage()
            super().save()

        def _write_foot(self, number: int) -> None:
            self.setFont(FONT, 7)
            self.setFillColor(_GREY)
            self.drawString(_MARGIN, 14 * mm, f"{imprint.title}, version {imprint.version}")
            self.drawRightString(A4[0] - _MARGIN, 14 * mm, f"Page {number} of {len(self._pages)}")
            self.drawString(_MARGIN, 10 * mm, f"SHA-256 {imprint.sha256}")

    return NumberedCanvas


@lru_cache(maxsize=1)
def _styles() -> dict[str, ParagraphStyle]:
    """The fonts know Latin, Greek and Cyrillic letters."""
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)
    text = ParagraphStyle("text", fontName=FONT, fontSize=9, leading=13, spaceAfter=5, alignment=TA_LEFT)
    return {
        "text": text,
        "h1": ParagraphStyle("h1", text, fontName=BOLD, fontSize=19, leading=24, spaceAfter=9),
        "h2": ParagraphStyle("h2", text, fontName=BOLD, fontSize=13, leading=17, spaceBefore=9),
        "h3": ParagraphStyle("h3", text, fontName=BOLD, fontSize=10, leading=14, spaceBefore=5),
        "quote": ParagraphStyle(
            "quote", text, leftIndent=6, borderPadding=6, spaceBefore=8, spaceAfter=12, backColor=_PALE
        ),
        "cell": ParagraphStyle("cell", text, fontSize=8, leading=11, spaceAfter=0),
        "head": ParagraphStyle("head", text, fontName=BOLD, fontSize=8, leading=11, spaceAfter=0),
    }


def _flowables(node: SyntaxTreeNode, styles: dict[str, ParagraphStyle], style: str = "text") -> Iterator[Flowable]:
    for child in node.children:
        if child.type == "heading":
            yield CondPageBreak(_ROOM_BELOW_HEADING)
            yield Paragraph(_inline(child), styles[min(child.tag, "h3")])
        elif child.type == "paragraph":
            yield Paragraph(_inline(child), styles[style])
        elif child.type == "blockquote":
            yield from _flowables(child, styles, "quote")
        elif child.type in {"bullet_list", "ordered_list"}:
            yield _list(child, styles)
        elif child.type == "table":
            yield _table(child, styles)
        elif child.type in {"code_block", "fence"}:
            yield Paragraph(escape(child.content), styles[style])


def _list(node: SyntaxTreeNode, styles: dict[str, ParagraphStyle]) -> Flowable:
    items: list[Any] = [ListItem(list(_flowables(item, styles)), leftIndent=14) for item in node.children]
    if node.type == "ordered_list":
        return ListFlowable(items, bulletType="1", leftIndent=14, bulletFontName=FONT, bulletFontSize=8)
    return ListFlowable(items, bulletType="bullet", start="•", leftIndent=14, bulletFontName=FONT, bulletFontSize=8)


def _table(node: SyntaxTreeNode, styles: dict[str, ParagraphStyle]) -> Flowable:
    """Columns share the width by how much they hold."""
    rows = [row for part in node.children for row in part.children]
    texts = [[_inline(cell) for cell in row.children] for row in rows]
    has_head = any(texts[0])
    cells = [
        [Paragraph(text, styles["head" if has_head and index == 0 else "cell"]) for text in row]
        for index, row in enumerate(texts)
        if has_head or index > 0
    ]
    look = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ]
    )
    return LongTable(cells, colWidths=_column_widths(texts), style=look, repeatRows=int(has_head), spaceAfter=8)


def _column_widths(rows: Sequence[Sequence[str]]) -> list[float]:
    weights = [min(max(12, *map(len, column)), 60) for column in zip(*rows, strict=True)]
    return [_WIDTH * weight / sum(weights) for weight in weights]


_OPENING = {"strong_open": "<b>", "strong_close": "</b>", "em_open": "<i>", "em_close": "</i>"}


def _inline(node: SyntaxTreeNode) -> str:
    """The library's own small markup; everything a text says is escaped."""
    tokens = [token for child in node.children for token in child.to_tokens() if token.type == "inline"]
    return "".join(_markup(token) for inline in tokens for token in inline.children or ())


def _markup(token: Token) -> str:
    if token.type == "softbreak":
        return " "
    if token.type == "hardbreak":
        return "<br/>"
    return _OPENING.get(token.type, escape(spelled_out(token.content)))
