"""The cover page: the variables of a contract, filled in from the customer's profile and our own facts."""

from collections.abc import Mapping, Sequence

import msgspec

from core.accounts import Organization
from core.errors import FieldProblem, InvalidRequest
from core.profiles import OrganizationProfile
from legal_docs.documents.drafts import fill
from legal_docs.documents.emails import ADVICE, is_printable
from legal_docs.documents.models import LegalVersion
from legal_docs.documents.provider import Provider

OF_THE_CUSTOMER = {
    "legal_name": "legal name",
    "registration_number": "registration number",
    "address": "address",
    "country": "country",
    "website": "website",
    "contact_name": "first contact's name",
    "contact_email": "first contact's address",
    "second_contact_name": "second contact's name",
    "second_contact_email": "second contact's address",
    "use_case": "description of the intended use",
    "expected_checks": "number of expected checks",
}
"""Texts of the cover, with their names for whoever is told that one cannot be printed."""


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
    problems = [
        FieldProblem(path, "not_printable", ADVICE) for path, text in signatory.items() if not is_printable(text)
    ]
    problems += [
        FieldProblem(f"details.{name}", "not_printable", f"The {words} in the organization's details: {ADVICE}")
        for name, words in OF_THE_CUSTOMER.items()
        if not is_printable(getattr(profile, name) or "")
    ]
    if problems:
        raise InvalidRequest(errors=tuple(problems))


def provider_of(documents: Sequence[LegalVersion]) -> Provider:
    return msgspec.convert(max(documents, key=lambda document: document.published_at).provider, Provider)
