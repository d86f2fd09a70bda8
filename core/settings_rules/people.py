"""Mail, and who stands behind the service."""

from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path

from core.settings import Durability, Settings
from core.settings_rules.addresses import PASSWORD_GUESSES_LOG10
from core.settings_rules.faults import Fault, address_of, is_guessable, is_this_machine

_NOT_REAL = ("example.com", "example.org", "example.net", ".example", ".test", ".invalid")


def mail(settings: Settings) -> Iterator[Fault]:
    if not settings.smtp_url:
        yield Fault("SMTP_URL", "is missing", "Set the mail server: smtps://user:password@host:465.")
    elif (url := address_of(settings.smtp_url)) is None or not url.hostname:
        yield Fault("SMTP_URL", "is not the URL of a mail server", "It looks like smtps://user:password@host:465.")
    elif url.password and is_guessable(url.password, guesses_log10=PASSWORD_GUESSES_LOG10):
        yield Fault("SMTP_URL", "has a password that could be guessed", "Set a random password for the mail account.")
    if not _is_mailbox(settings.mail_from):
        yield Fault("MAIL_FROM", "is not a valid sender", "Use an address at your own domain.")


def provider(settings: Settings) -> Iterator[Fault]:
    for name, value, what in (
        ("PROVIDER_NAME", settings.provider_name, "our own legal name"),
        ("PROVIDER_ADDRESS", settings.provider_address, "our registered address, in one line"),
        ("PROVIDER_REGISTRATION", settings.provider_registration, "our register and number"),
        ("PROVIDER_SIGNATORY", settings.provider_signatory, "who signs for us: name and title"),
        ("GOVERNING_LAW", settings.governing_law, "the law of our contracts"),
        ("COURTS", settings.courts, "the courts that decide"),
    ):
        if not (value and value.strip()):
            yield Fault(name, "is missing", f"Set {what}. Contracts require it.")


def mailboxes(settings: Settings) -> Iterator[Fault]:
    for name, value in (
        ("SUPPORT_EMAIL", settings.support_email),
        ("LEGAL_EMAIL", settings.legal_email),
        ("PRIVACY_EMAIL", settings.privacy_email),
        ("SECURITY_EMAIL", settings.security_email),
    ):
        if not value:
            yield Fault(name, "is missing", "Set a mailbox that someone reads.")
        elif not _is_mailbox(value):
            yield Fault(name, "is not a mailbox that can receive email", "Use an address at your own domain.")


def contracts_mailbox(settings: Settings) -> Iterator[Fault]:
    """LEGAL_EMAIL stands in where it is not set."""
    if settings.contracts_email and not _is_mailbox(settings.contracts_email):
        yield Fault("CONTRACTS_EMAIL", "is not a mailbox that can receive email", "Use an address at your own domain.")


def logs(settings: Settings) -> Iterator[Fault]:
    if settings.log_level == "DEBUG":
        yield Fault("LOG_LEVEL", "is DEBUG, which lets libraries log what they receive", "Use INFO.")


def doubtful_habits(settings: Settings) -> Iterator[Fault]:
    if settings.decision_durability is Durability.PROCESS:
        yield Fault(
            "DECISION_DURABILITY",
            "sends responses before they are on disk, so a machine that fails loses the last ones",
            "Use database or disk.",
        )
    if not Path(settings.data_dir).is_absolute():
        yield Fault("DATA_DIR", "is a relative path", "Set a folder on a persistent disk.")
    if not settings.breached_passwords_url:
        yield Fault(
            "BREACHED_PASSWORDS_URL", "is not set", "Set a range search, so that leaked passwords are rejected."
        )


def _is_mailbox(text: str) -> bool:
    local, _, domain = parseaddr(text)[1].rpartition("@")
    is_somewhere = "." in domain and not is_this_machine(domain) and not f".{domain}".endswith(_NOT_REAL)
    return bool(local) and is_somewhere
