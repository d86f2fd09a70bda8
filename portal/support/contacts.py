"""The ways to reach us beside requests, with the times that our texts promise. Only those that are set are named."""

from datetime import datetime
from urllib.parse import urlencode

import msgspec

from core import current
from core.accounts import Organization
from legal_docs import figures

CHAT_HOURS = "Monday to Friday, 09:00 to 18:00 UTC"
_ASK_FOR_CHAT = urlencode({"category": "question", "severity": "low", "subject": "Access to the shared Slack channel"})
_BY_EMAIL = (
    f"We reply within 24 to {figures.LOW_RESPONSE_HOURS} hours. If the API is down, data is lost or you suspect "
    "a breach, start the subject with CRITICAL: and our on-call engineer is paged."
)
_SECURITY = f"Vulnerabilities and breaches; we reply within {figures.SECURITY_REPLY_HOURS} hours, day and night."
_LEGAL = f"We reply within {figures.LEGAL_REPLY_BUSINESS_DAYS} business days."
_CONTRACTS = (
    f"The Terms, the DPA and their signatures; we reply within {figures.CONTRACT_REPLY_BUSINESS_DAYS} business days."
)
_ON_CALL = (
    f"Day and night, if the API is down for more than {figures.CRITICAL_OUTAGE_MINUTES} minutes, data is lost or you "
    f"suspect a breach; a person replies within {figures.CRITICAL_RESPONSE_HOURS} hour. Create a critical request "
    "first, then give its number, the severity and the impact."
)


class Contact(msgspec.Struct, frozen=True):
    """`shown` leads to `href`; `terms` say when and what for."""

    title: str
    shown: str
    href: str
    terms: str


_CHAT = Contact(
    "Slack",
    "Request access to the shared channel",
    f"/support/new?{_ASK_FOR_CHAT}",
    f"During the pilot, {CHAT_HOURS}, for urgent questions and joint debugging. Include the name, email, phone number "
    "and company of each person to invite.",
)


def contacts_for(organization: Organization, *, now: datetime) -> list[Contact]:
    settings = current.settings()
    emails = (
        ("Email", settings.support_email, _BY_EMAIL),
        ("Security", settings.security_email, _SECURITY),
        ("Legal", settings.legal_email, _LEGAL),
        ("Contracts", settings.contracts_email or settings.legal_email, _CONTRACTS),
    )
    found = [Contact(title, email, f"mailto:{email}", terms) for title, email, terms in emails if email]
    if organization.pilot_ends_at is not None and organization.pilot_ends_at > now:
        found.append(_CHAT)
    if phone := settings.on_call_phone:
        found.append(Contact("On call", phone, f"tel:{phone.replace(' ', '')}", _ON_CALL))
    return found
