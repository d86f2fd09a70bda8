"""The row of an acceptance: who we were, who they were, what was accepted, what was declared and how it came."""

from core.profiles import OrganizationProfile
from legal_docs.acceptances.cover import provider_of
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.acceptances.schema import Statement
from legal_docs.documents.models import LegalVersion


def record(profile: OrganizationProfile, version: LegalVersion, statement: Statement) -> LegalAcceptance:
    """Everything but its place in the chain, the cover page, and the times of seeing and agreeing."""
    provider = provider_of([version])
    return LegalAcceptance(
        organization_id=profile.organization_id,
        version_id=version.id,
        kind=version.kind,
        number=version.number,
        locale=version.locale,
        document_sha256=version.sha256,
        published_at=version.published_at,
        effective_at=version.effective_at,
        provider_name=provider.name,
        provider_signatory=provider.signatory,
        legal_name=profile.legal_name,
        registration_number=profile.registration_number,
        address=profile.address,
        country=profile.country,
        user_id=statement.user_id,
        signer_name=statement.name.strip(),
        signer_title=statement.title.strip(),
        signer_email=statement.email.strip(),
        email_confirmed_at=statement.email_confirmed_at,
        authority=statement.authority.strip(),
        checkbox_texts=[*statement.checkbox_texts, *statement.acknowledgements],
        button_text=statement.button_text,
        screen=statement.screen,
        network_address=statement.network_address,
        user_agent=statement.user_agent,
        request_id=statement.request_id,
        session_id=statement.session_id,
        auth_method=statement.auth_method,
    )
