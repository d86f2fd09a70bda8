"""Who stands behind the service, for the foot of public pages."""

from core.settings import Settings
from legal_docs.documents.provider import Provider, SettingsMissing, trial_provider


def legal_entity(settings: Settings) -> Provider | None:
    """None in production as long as the settings for it are incomplete; the launch board says so."""
    try:
        return trial_provider(settings)
    except SettingsMissing:
        return None
