"""What changed between two texts: paragraphs are matched first, then words within those that changed."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from html import escape

_MARKS = re.compile(r"^#{1,6} +|^> ?|\*\*|`|^\|[-| ]+\|\n", re.MULTILINE)
"""Of Markdown: headings, quotations, emphasis, the line under a table's head."""
_WORDS = re.compile(r"\s+|[^\s\w]|\w+")


def redline(before: str, after: str) -> str:
    """HTML of the words, without their marks, with `<ins>` and `<del>`; all else is escaped, what stays is kept."""
    return "\n".join(_paragraphs(_split(before), _split(after)))


def is_changed(before: str, after: str) -> bool:
    return _split(before) != _split(after)


def _split(text: str) -> list[str]:
    """Paragraphs, with line ends within one levelled, so that a new line break is no change."""
    parts = (_MARKS.sub("", part) for part in re.split(r"\n\s*\n", text.strip()))
    return [" ".join(part.split()) if "|" not in part else part.strip() for part in parts]


def _paragraphs(before: list[str], after: list[str]) -> Iterator[str]:
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            yield from (_block("", escape(part)) for part in after[b1:b2])
        else:
            yield from _changed(before[a1:a2], after[b1:b2])


def _changed(removed: list[str], added: list[str]) -> Iterator[str]:
    """Paragraphs of both sides in pairs; what is left over was removed or added as a whole."""
    for old, new in zip(removed, added, strict=False):
        yield _block("changed", _words(old, new))
    shared = min(len(removed), len(added))
    yield from (_block("removed", f"<del>{escape(part)}</del>") for part in removed[shared:])
    yield from (_block("added", f"<ins>{escape(part)}</ins>") for part in added[shared:])


def _words(old: str, new: str) -> str:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    parts = []
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        gone, come = escape("".join(before[a1:a2])), escape("".join(after[b1:b2]))
        if tag == "equal":
            parts.append(come)
        else:
            parts.append((f"<del>{gone}</del>" if gone else "") + (f"<ins>{come}</ins>" if come else ""))
    return "".join(parts)


def _block(change: str, html: str) -> str:
    attribute = f' class="redline-{change}"' if change else ""
    return f"<p{attribute}>{html}</p>"
