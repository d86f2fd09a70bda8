"""Settings: read, typed, refused when unsafe, and documented."""

from pathlib import Path

import msgspec
import pytest

from core.environment import SettingsRefused, read_settings
from core.settings import Durability, Environment, Settings
from tests.databases import ROOT


def test_nothing_needs_to_be_set_to_try_it() -> None:
    settings = read_settings({})

    assert settings == Settings()
    assert settings.environment is Environment.DEVELOPMENT


def test_values_are_typed_and_empty_ones_count_as_not_set() -> None:
    settings = read_settings({"PORT": "9000", "REDIS_URL": "", "DECISION_DURABILITY": "disk"})

    assert (settings.port, settings.redis_url, settings.decision_durability) == (9000, None, Durability.DISK)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "x"),
        ("PORT", "70000"),
        ("PORT", "8e3"),
        ("PORT", "8000.0"),
        ("WEB_THREADS", "1_6"),
        ("DECISION_DURABILITY", "hopefully"),
        ("LOG_LEVEL", "LOUD"),
        ("SECRET_KEY", "short"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "null"),
        ("BACKUP_URL", "ftp://backups"),
        ("BACKUP_KEY", "a-password"),
        ("BACKUP_S3_ACCESS_KEY_ID", "half-of-it"),
    ],
)
def test_a_value_that_does_not_fit_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsRefused, match=name):
        read_settings({name: value})


def test_a_stripe_key_without_the_webhooks_secret_is_refused_everywhere() -> None:
    with pytest.raises(SettingsRefused, match="STRIPE_WEBHOOK_SECRET"):
        read_settings({"STRIPE_API_KEY": "sk_test_key"})


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_every_setting_is_documented_and_nothing_else(document: str) -> None:
    text = Path(ROOT / document).read_text()
    names = {field.encode_name for field in msgspec.structs.fields(Settings)}

    if document == "README.md":
        table = text.partition("## Settings")[2].partition("\n## ")[0]
        told = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    else:
        told = {line.lstrip("# ").partition("=")[0] for line in text.splitlines() if "=" in line}

    assert told == names
