"""Email addresses as every mail server takes them: the domain in punycode, before it nothing but ASCII."""

import idna
from email_validator import EmailNotValidError, validate_email

from core.errors import FieldProblem, InvalidRequest

NOT_AN_ADDRESS = "Enter an email address, such as name@company.com."
NOT_SENDABLE = "Use an email address with only plain letters (a to z), digits and symbols before the @."


class AddressFault(ValueError):
    """Says what is wrong, for whoever typed it."""


def sendable(text: str) -> str:
    """In lower case. Asks no network. Raises AddressFault."""
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise AddressFault(NOT_AN_ADDRESS) from error
    if found.ascii_email is None:
        raise AddressFault(NOT_SENDABLE)
    return found.ascii_email.lower()


def clean(text: str, *, path: str = "email") -> str:
    """The same for services. Raises InvalidRequest that names the field."""
    try:
        return sendable(text.strip())
    except AddressFault as fault:
        raise InvalidRequest(errors=(FieldProblem(path, "not_an_address", str(fault)),)) from fault


def spellings(email: str) -> frozenset[str]:
    """With the domain in punycode and as it is read: rows from before may have either."""
    local, _, domain = email.rpartition("@")
    return frozenset({email, f"{local}@{_read(domain)}"})


def for_the_wire(address: str) -> str:
    """As a server takes it. What cannot be spelled so stays as it is, and the server refuses it."""
    local, at, domain = address.rpartition("@")
    try:
        return address if domain.isascii() else f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address


def _read(domain: str) -> str:
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain
