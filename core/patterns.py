"""Patterns for text that must match as a whole, in Python and in JSON Schema alike."""


def whole(pattern: str) -> str:
    """`pattern` for all of a text. In Python, a bare `$` would let a line break through at the end."""
    return rf"^(?:{pattern})$(?!\n)"


ONE_LINE = whole(r"[^\x00-\x1f\x7f]*")
