"""The cover page: the variables of a contract, filled in from the customer's profile and our own facts."""

from collections.abc import Sequence

import msgspec

from core.accounts import Organization
from core.profiles import OrganizationProfile
from legal_docs.documents.drafts import fill
from legal_docs.documents.models import LegalVersion
from legal_docs.documents.provider import Provider


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


def provider_of(documents: Sequence[LegalVersion]) -> Provider:
    return msgspec.convert(max(documents, key=lambda document: document.published_at).provider, Provider)
