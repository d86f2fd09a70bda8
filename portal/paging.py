"""What lists on pages share."""

from uuid import UUID


def parse_uuid(text: str | None) -> UUID | None:
    """The id in a page's address, or None if there is none that makes sense."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
