# Made from core/patterns.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""Patterns for text that must match as a whole, in Python and in JSON Schema alike."""

import re


def whole(pattern: str) -> str:
    """`pattern` for all of a text. In Python, a bare `$` would let a line break through at the end."""
    return rf"^(?:{pattern})$(?!\n)"


_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def for_xml(text: str) -> str:
    """Without the characters that XML 1.0 knows no way to write."""
    return _NOT_IN_XML.sub("", text)


ONE_LINE = whole(r"[^\x00-\x1f\x7f]*")
