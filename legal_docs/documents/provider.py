"""Who we are, as contracts state it: from the settings, or a plainly marked example in a local trial."""

from http import HTTPStatus
from typing import Any

import msgspec

from core.errors import AppError
from core.settings import Environment, Settings


class SettingsMissing(AppError):
    status, code, title = HTTPStatus.CONFLICT, "legal_settings_missing", "The documents need settings that are missing"
    advice = "Set them, then publish again; `flask legal check` names them."


class Provider(msgspec.Struct, frozen=True):
    name: str
    address: str
    registration: str
    signatory: str
    governing_law: str
    courts: str
    support_email: str
    legal_email: str
    privacy_email: str
    security_email: str


_SETTINGS = {
    "name": "provider_name",
    "address": "provider_address",
    "registration": "provider_registration",
    "signatory": "provider_signatory",
    "governing_law": "governing_law",
    "courts": "courts",
    "support_email": "support_email",
    "legal_email": "legal_email",
    "privacy_email": "privacy_email",
    "security_email": "security_email",
}

_EXAMPLE = Provider(
    name="Example Provider Ltd (local trial)",
    address="1 Example Street, Exampletown (local trial)",
    registration="Example register, no number (local trial)",
    signatory="Olga Example, Director (local trial)",
    governing_law="Ireland (local trial)",
    courts="Dublin, Ireland (local trial)",
    support_email="support@example.com",
    legal_email="legal@example.com",
    privacy_email="privacy@example.com",
    security_email="security@example.com",
)


def missing_settings(settings: Settings) -> list[str]:
    """Names of the settings, as the environment writes them, that the documents need and that are empty."""
    return [name.upper() for name in _SETTINGS.values() if not (getattr(settings, name) or "").strip()]


def provider_from(settings: Settings) -> Provider:
    """Raises SettingsMissing, naming each."""
    missing = missing_settings(settings)
    if missing:
        raise SettingsMissing(f"Set {', '.join(missing)}, then publish again.")
    return msgspec.convert({field: getattr(settings, name) for field, name in _SETTINGS.items()}, Provider)


def trial_provider(settings: Settings) -> Provider:
    """The settings, with a marked example for each that is missing. Raises SettingsMissing in production."""
    if settings.environment is Environment.PRODUCTION:
        return provider_from(settings)
    given: dict[str, Any] = {field: getattr(settings, name) for field, name in _SETTINGS.items()}
    return msgspec.structs.replace(_EXAMPLE, **{field: value for field, value in given.items() if value})
