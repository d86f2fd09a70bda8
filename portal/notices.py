"""What a page tells beside its own matter: a line at its top, with the place where something can be done about it."""

import msgspec


class PageNotice(msgspec.Struct, frozen=True):
    text: str
    path: str
    label: str
    is_grave: bool = True
    """Shown in red where a page tells grave and other things."""
