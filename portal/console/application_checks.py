"""What an operator compares before a decision, worked out from the details: a hint, never a decision."""

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

import msgspec

from core.profiles import OrganizationProfile
from legal_docs.documents.kinds import ACCEPTED_KINDS, TITLES, Kind

_ANYBODYS = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com"),
        *("aol.com", "proton.me", "protonmail.com", "gmx.net", "gmx.de", "web.de", "mail.ru", "yandex.ru", "qq.com"),
    }
)
"""Where everybody gets an address."""


class ApplicationCheck(msgspec.Struct, frozen=True):
    is_fine: bool
    words: str


def checks_of(profile: OrganizationProfile | None, accepted: Collection[str]) -> list[ApplicationCheck]:
    return [*(_of_details(profile) if profile else ()), *_of_documents(accepted)]


def _of_details(profile: OrganizationProfile) -> Iterator[ApplicationCheck]:
    domain = profile.contact_email.rpartition("@")[2].lower()
    host = (urlsplit(profile.website).hostname or "").removeprefix("www.") if profile.website else ""
    if domain in _ANYBODYS:
        yield ApplicationCheck(False, f"The contact's address is at {domain}, where anyone can get one.")
    elif not host:
        yield ApplicationCheck(False, f"No website to compare with the contact's domain, {domain}.")
    else:
        fits = domain == host or domain.endswith(f".{host}") or host.endswith(f".{domain}")
        words = f"The contact's domain, {domain}, {'matches' if fits else 'differs from'} the website, {host}."
        yield ApplicationCheck(fits, words)
    has_number = bool(profile.registration_number.strip())
    yield ApplicationCheck(
        has_number, f"Registration number: {profile.registration_number}." if has_number else "No registration number."
    )
    if profile.is_high_risk:
        yield ApplicationCheck(False, "It uses or provides a high-risk system (EU AI Act). Read the use case.")


def _of_documents(accepted: Collection[str]) -> Iterator[ApplicationCheck]:
    for kind in ACCEPTED_KINDS:
        has_accepted = kind in accepted
        yield ApplicationCheck(has_accepted, f"{TITLES[Kind(kind)]} {'accepted' if has_accepted else 'not accepted'}.")
