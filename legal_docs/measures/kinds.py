"""Which technical measures the agreement promises. Knows no database."""

from enum import StrEnum
from http import HTTPStatus

import msgspec

from core.errors import AppError


class Measure(StrEnum):
    """The words of each stand in `documents/sources/_measures.md.j2`, under the same name."""

    CONTENT_REFUSED = "content_refused"
    PSEUDONYMS = "pseudonyms"
    KEYS = "keys"
    PASSWORDS = "passwords"
    OPERATORS = "operators"
    SEPARATION = "separation"
    INTEGRITY = "integrity"
    TRANSPORT = "transport"
    DURABILITY = "durability"
    DELETION = "deletion"
    BACKUPS = "backups"
    BACKUP_ENCRYPTION = "backup_encryption"
    RESTORES = "restores"
    LIMITS = "limits"
    COMPONENTS = "components"
    ALERTS = "alerts"
    SECRETS = "secrets"


MEASURE_NAMES = {
    Measure.CONTENT_REFUSED: "Data minimization",
    Measure.PSEUDONYMS: "Pseudonymization",
    Measure.KEYS: "API keys",
    Measure.PASSWORDS: "Passwords",
    Measure.OPERATORS: "Operator access",
    Measure.SEPARATION: "Tenant separation",
    Measure.INTEGRITY: "Integrity",
    Measure.TRANSPORT: "Encryption in transit",
    Measure.DURABILITY: "Availability",
    Measure.DELETION: "Deletion",
    Measure.BACKUPS: "Backups",
    Measure.BACKUP_ENCRYPTION: "Backup encryption",
    Measure.RESTORES: "Restore tests",
    Measure.LIMITS: "Rate limits",
    Measure.COMPONENTS: "Vulnerability management",
    Measure.ALERTS: "Monitoring",
    Measure.SECRETS: "Secret management",
}


class Observation(msgspec.Struct, frozen=True):
    """What was seen of a measure in the running service."""

    is_met: bool
    seen: str


class MeasuresNotMet(AppError):
    status, code, title = HTTPStatus.CONFLICT, "measures_not_met", "The service does not meet Annex III"
    advice = "Fix it, check the measures again, then publish."
