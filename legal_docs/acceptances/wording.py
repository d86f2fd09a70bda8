"""The sentences that are agreed to. Pages show these, and a record of acceptance keeps them: the same words in both."""

from collections.abc import Sequence

import msgspec

from legal_docs.documents.models import LegalVersion


class Wording(msgspec.Struct, frozen=True):
    checkboxes: tuple[str, ...]
    """One for each document, in their order. Shown without a tick."""
    authority: str
    button: str


def wording_for(documents: Sequence[LegalVersion], *, legal_name: str) -> Wording:
    """The button says what the boxes say."""
    return Wording(
        checkboxes=tuple(
            f"I have read the {document.title}, version {document.number}, and accept it on behalf of {legal_name}."
            for document in documents
        ),
        authority=f"I am authorized to conclude contracts for {legal_name}.",
        button=f"Accept the {' and the '.join(document.title for document in documents)}",
    )
