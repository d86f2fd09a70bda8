"""What a page hands over when somebody accepts."""

from datetime import datetime
from uuid import UUID

import msgspec

from legal_docs.documents.kinds import Kind


class SeenDocument(msgspec.Struct, frozen=True):
    """A document as the person saw it: the page carries these three in its form."""

    kind: Kind
    number: str
    sha256: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Who declared what, with which words before them, and how it reached us."""

    name: str
    title: str
    authority: str
    """The sentence beside the ticked box about authority; empty if it was not ticked."""
    checkbox_texts: tuple[str, ...]
    """The texts of the documents' boxes that were ticked, in the order shown."""
    acknowledgements: tuple[str, ...]
    """The texts of the other boxes that were ticked, in the order shown."""
    button_text: str
    email: str
    user_id: UUID | None = None
    """None for somebody who came by a link."""
    email_confirmed_at: datetime | None = None
    network_address: str = ""
    user_agent: str = ""
    request_id: str = ""
    session_id: str = ""
    auth_method: str = ""
    screen: str = ""
    """Which build of the page it was."""
