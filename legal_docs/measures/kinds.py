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
    Measure.CONTENT_REFUSED: "Less data to begin with",
    Measure.PSEUDONYMS: "Pseudonyms",
    Measure.KEYS: "API keys",
    Measure.PASSWORDS: "Passwords",
    Measure.OPERATORS: "Operators",
    Measure.SEPARATION: "Separation",
    Measure.INTEGRITY: "Integrity",
    Measure.TRANSPORT: "Encryption of connections",
    Measure.DURABILITY: "Availability",
    Measure.DELETION: "Deletion",
    Measure.BACKUPS: "Backups",
    Measure.BACKUP_ENCRYPTION: "Encryption of backups",
    Measure.RESTORES: "Restoring",
    Measure.LIMITS: "Limits",
    Measure.COMPONENTS: "Weaknesses",
    Measure.ALERTS: "Watching",
    Measure.SECRETS: "Our own secrets",
}


class Sighting(msgspec.Struct, frozen=True):
    """What was seen of a measure in the running service."""

    is_met: bool
    seen: str


class MeasuresNotMet(AppError):
    status, code, title = HTTPStatus.CONFLICT, "measures_not_met", "The service does not do what Annex III promises"
    advice = "Put it right, let the service be checked again, then publish."
