"""Whether the register names every company that the running service uses, and says enough about each.

What is in use is read from the settings: whoever has an address there receives data. Knows no database.
"""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.errors import AppError, FieldProblem
from core.settings import Environment, Settings
from legal_docs.documents.drafts import Entry
from legal_docs.documents.service_types import SERVICE_TYPES, ServiceType
from legal_docs.register.rules import faults_of


class RegisterIncomplete(AppError):
    status, code, title = HTTPStatus.CONFLICT, "register_incomplete", "The register of sub-processors is not complete"
    advice = "Complete the register, then publish again."


def services_in_use(settings: Settings) -> frozenset[ServiceType]:
    """What other companies do for the running service. None in a local trial, which nobody relies on."""
    if settings.environment is not Environment.PRODUCTION:
        return frozenset()
    used = {
        ServiceType.HOSTING: True,
        ServiceType.DATABASE: _is_elsewhere(settings.database_url) or _is_elsewhere(settings.clickhouse_url),
        ServiceType.CACHE: _is_elsewhere(settings.redis_url),
        ServiceType.BACKUPS: (settings.backup_url or "").startswith("s3://"),
        ServiceType.ERROR_REPORTS: bool(settings.sentry_dsn),
        ServiceType.PAYMENTS: bool(settings.stripe_api_key),
        ServiceType.EMAIL: _is_elsewhere(settings.smtp_url),
        ServiceType.MONITORING: bool(settings.monitor_key),
    }
    return frozenset(service for service, is_used in used.items() if is_used)


def gaps_of(register: Sequence[Entry], needed: Collection[ServiceType]) -> tuple[FieldProblem, ...]:
    """Services that no company is named for, and fields of companies that say nothing."""
    named = {entry.service_type for entry in register}
    gaps = [
        FieldProblem(service.value, "missing", f"Name the company: {SERVICE_TYPES[service].lower()}.")
        for service in ServiceType
        if service in needed and service not in named
    ]
    gaps += [
        FieldProblem(f"{entry.name or 'unnamed'}.{fault.path}", fault.code, fault.detail)
        for entry in register
        for fault in faults_of(entry)
    ]
    return tuple(gaps)


def refuse_gaps(register: Sequence[Entry], needed: Collection[ServiceType]) -> None:
    """Raises RegisterIncomplete, naming each gap."""
    gaps = gaps_of(register, needed)
    if gaps:
        raise RegisterIncomplete(f"Missing: {', '.join(gap.path for gap in gaps)}.", errors=gaps)


def _is_elsewhere(url: str | None) -> bool:
    """Whether an address leads beyond this machine, its neighbors with bare names, and private networks."""
    host = urlsplit(url or "").hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.rstrip(".") and not host.endswith((".internal", ".local", ".localhost"))
