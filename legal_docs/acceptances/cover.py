"""The cover page: the variables of a contract, filled in from the customer's profile and our own facts."""

from collections.abc import Mapping, Sequence

import msgspec

from core.accounts import Organization
from core.errors import FieldProblem, InvalidRequest
from core.profiles import OrganizationProfile
from legal_docs.documents.drafts import fill
from legal_docs.documents.letters import ADVICE, is_printable
from legal_docs.documents.models import LegalVersion
from legal_docs.documents.provider import Provider

_OF_THE_CUSTOMER = ("legal_name", "registration_number", "address", "contact_name", "second_contact_name")


class Signatory(msgspec.Struct, frozen=True):
    name: str
    title: str
    email: str = ""


def cover_page(
    profile: OrganizationProfile,
    *,
    organization: Organization,
    documents: Sequence[LegalVersion],
    signatory: Signatory,
) -> str:
    """Markdown. The provider is the one named in the documents, as they are what is agreed to."""
    return fill(
        "cover_page",
        provider=provider_of(documents),
        customer=profile,
        signatory=signatory,
        documents=documents,
        retention_days=organization.retention_days,
    )


def refuse_unprintable(profile: OrganizationProfile, signatory: Mapping[str, str]) -> None:
    """Before anything is signed: a name that the document cannot show would be lost. Raises InvalidRequest."""
    customer = {name: getattr(profile, name) or "" for name in _OF_THE_CUSTOMER}
    problems = [
        FieldProblem(path, "not_printable", ADVICE) for path, text in signatory.items() if not is_printable(text)
    ]
    problems += [
        FieldProblem(f"details.{name}", "not_printable", f"The {name.replace('_', ' ')} of the organization: {ADVICE}")
        for name, text in customer.items()
        if not is_printable(text)
    ]
    if problems:
        raise InvalidRequest(errors=tuple(problems))


def provider_of(documents: Sequence[LegalVersion]) -> Provider:
    return msgspec.convert(max(documents, key=lambda document: document.published_at).provider, Provider)
