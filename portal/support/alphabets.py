"""Bytes as text, whatever is said of their alphabet, or nothing. Imports no database."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
"""What mail programs mean by these names, as browsers read them."""
_OFTEN_WRONG = frozenset({"ascii", "cp1252"})
"""Said by programs that send something else: what is UTF-8 without a fault is UTF-8."""
_NO_ALPHABETS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
"""Encodings of other things; some take time that grows with the square of the length."""
_CONTROLS_IN_TEXT = "\t\n\x0b\x0c\r\x1b"
_NULS_OF_UTF_16 = 0.25


def decoded(content: bytes, named: str | None = None) -> str:
    """Never raises, and leaves nothing out: what fits no alphabet is read byte for byte."""
    known = _known(named)
    first = ("utf-8", known) if known is None or known in _OFTEN_WRONG else (known, "utf-8")
    for name in (_marked(content), *first, "cp1252"):
        text = _read(content, name)
        if text is not None:
            return text
    return content.decode("latin-1")


def plain_text(content: bytes) -> str | None:
    """What it says, if it is plain text in UTF-8, UTF-16 or the alphabet of Windows; None if it is none."""
    marked = _marked(content)
    text = _read(content, marked or "utf-8")
    if text is not None and "\x00" not in text:
        return text
    if marked is not None:
        return None
    text = _read(content, _unmarked_utf_16(content) or "cp1252")
    return None if text is None or _has_controls(text) else text


def _marked(content: bytes) -> str | None:
    return next((name for mark, name in _MARKS if content.startswith(mark)), None)


def _unmarked_utf_16(content: bytes) -> str | None:
    """Western text in UTF-16 has a NUL in every second byte, always the same one of two."""
    if len(content) % 2 or content.count(0) < len(content) * _NULS_OF_UTF_16:
        return None
    return "utf-16-le" if content[1::2].count(0) > content[0::2].count(0) else "utf-16-be"


def _has_controls(text: str) -> bool:
    return any(letter < " " and letter not in _CONTROLS_IN_TEXT for letter in text)


def _known(named: str | None) -> str | None:
    try:
        name = codecs.lookup((named or "").strip("'\" ")).name
    except (LookupError, ValueError):
        return None
    return None if name in _NO_ALPHABETS else _WIDER.get(name, name)


def _read(content: bytes, name: str | None) -> str | None:
    try:
        return content.decode(name) if name else None
    except (LookupError, ValueError):
        return None
