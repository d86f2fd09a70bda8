"""The sentences that are agreed to. Pages show these, and a record of acceptance keeps them: the same words in both."""

from collections.abc import Sequence

import msgspec

from legal_docs.documents.models import LegalVersion

ACKNOWLEDGEMENTS = 2
_LAWFUL_USE = (
    "{} will use the service lawfully: it has a lawful basis for the data it sends, and complies with the"
    " acceptable-use rules of section 5 of the Terms of Service."
)
_PILOT_LIMITS = (
    "{} understands the limits of a pilot: the service levels of section 6.1 of the Terms of Service are targets,"
    " without credits if they are missed."
)


class Wording(msgspec.Struct, frozen=True):
    checkboxes: tuple[str, ...]
    """One for each document, in their order. Shown without a tick."""
    authority: str
    acknowledgements: tuple[str, ...]
    """Each with a box of its own, beside the authority; what was ticked is recorded with the boxes of the documents."""
    button: str


def wording_for(documents: Sequence[LegalVersion], *, legal_name: str) -> Wording:
    """The button says what the boxes say."""
    return Wording(
        checkboxes=tuple(
            f"I have read the {document.title}, version {document.number}, and accept this version on behalf of"
            f" {legal_name}."
            for document in documents
        ),
        acknowledgements=(_LAWFUL_USE.format(legal_name), _PILOT_LIMITS.format(legal_name)),
        authority=f"I am authorized to conclude contracts for {legal_name}.",
        button=f"Accept the {' and the '.join(document.title for document in documents)}",
    )
