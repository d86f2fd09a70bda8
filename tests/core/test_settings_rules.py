"""In production nothing starts on missing, default or weak settings, and all of them are named at once."""

from collections.abc import Callable
from secrets import token_hex, token_urlsafe

import msgspec
import pytest

from core.environment import SettingsRefused, read_settings
from core.settings import Settings
from core.settings_rules import faults_of, warnings_of
from tests.core.production import GOOD

NEEDED = sorted(set(GOOD) - {"ENVIRONMENT", "DATA_DIR", "CORS_ORIGINS", "BREACHED_PASSWORDS_URL", "DATABASE_URL"})
RANDOM = "Wm48sPq1LdZx09"
POOLED = f"postgresql://aig_web:{RANDOM}@ep-1-pooler.eu-central-1.aws.neon.tech/aig?sslmode=verify-full"
PUBLIC_DATABASE = f"postgresql://aig:{RANDOM}@db.acme-pilot.eu/aig"

TYPED = [
    *("correct-horse-battery-staple", "a-token-for-metrics-at-least", "todo-set-a-real-token-here-please"),
    *("my-very-long-secret-token-for-prod", "thequickbrownfoxjumpsoverthelazydog", "1qaz2wsx3edc4rfv5tgb6yhn"),
    *("lorem-ipsum-dolor-sit-amet-consectetur", "make one with openssl rand -hex 32", "!QAZ2wsx#EDC4rfv%TGB6yhn"),
    *("onetwothreefourfivesixseveneight", "governance-metrics-token-summer-2026", "ChangeMeChangeMeChangeMe"),
    *("d41d8cd98f00b204e9800998ecf8427e", "123e4567-e89b-12d3-a456-426614174000", "2026-11-28-2026-11-28-2026-11-28"),
    *("31415926535897932384626433832795", "28112026281120262811202628112026", "METRICS_TOKEN_OF_OUR_PILOT"),
]

BAD = [
    ("SECRET_KEY", "development-only-secret-never-in-production"),
    ("SECRET_KEY", "x" * 64),
    ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
    ("SECRET_KEY", "change-me-" + "9d1f6b3c5e7a2048d1c3b5a7e9f02468"),
    ("SECRET_KEY", "9d1f6b3c5e7a2048"),
    ("SECRET_KEY_PREVIOUS", "development-only-secret-never-in-production"),
    ("SECRET_KEY_PREVIOUS", GOOD["SECRET_KEY"]),
    ("METRICS_TOKEN", "t"),
    ("METRICS_TOKEN", "metrics-metrics-metrics-metrics"),
    ("METRICS_TOKEN_PREVIOUS", "token"),
    ("LOG_LEVEL", "DEBUG"),
    *(
        (name, value)
        for name in ("METRICS_TOKEN", "ALERTMANAGER_TOKEN", "INBOUND_MAIL_TOKEN")
        for value in ("a" * 32, "passwordpasswordpassword", "abcabcabcabcabcabcabcabcabc", "qwertyuiopasdfghjklzxcvbnm")
    ),
    *((name, value) for name in ("METRICS_TOKEN", "SECRET_KEY") for value in TYPED),
    ("SECRET_KEY_PREVIOUS", "lorem-ipsum-dolor-sit-amet-consectetur"),
    ("ALERTMANAGER_TOKEN", "aaaaaaaaaaaaaaaa"),
    ("ALERTMANAGER_TOKEN", "9d1f6b3c5e7a2048"),
    ("INBOUND_MAIL_TOKEN", "11111111111111111111"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_aaaaaaaaaaaaaaaaaaaaaaaa"),
    ("STRIPE_API_KEY", "sk_live_xxxxxxxxxxxxxxxxxxxx"),
    ("DATABASE_URL", "mysql://aig:kX93vQpL0zRt72@db/aig"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@db.acme-pilot.eu:port/aig"),
    ("DATABASE_URL", "postgresql://postgres:postgres@db/aig"),
    ("DATABASE_URL", "postgresql://postgres:password@127.0.0.1/aig"),
    ("DATABASE_URL", "postgresql://aig@db.acme-pilot.eu/aig?sslmode=verify-full"),
    ("DATABASE_URL", PUBLIC_DATABASE),
    ("DATABASE_URL", f"{PUBLIC_DATABASE}?sslmode=prefer"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@20.50.2.10/aig?sslmode=disable"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@ep-1-pooler.eu-central-1.aws.neon.tech/aig?sslmode=verify-full"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@/aig?hostaddr=20.50.2.10"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@db/aig?hostaddr=20.50.2.10&sslmode=prefer"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@[2a01:4f8::1]:5432,db/aig"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@/aig?host=/run/postgresql,db.acme-pilot.eu"),
    ("DATABASE_URL", "postgresql:///?service=governance"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@/aig?service=governance"),
    ("DATABASE_WEB_URL", "postgresql://aig_web:postgres@db/aig"),
    ("DATABASE_WEB_URL", f"postgresql://aig_web:{RANDOM}@db.acme-pilot.eu/aig"),
    ("DATABASE_WEB_URL", GOOD["DATABASE_URL"]),
    ("DATABASE_REPLICA_URL", GOOD["DATABASE_URL"]),
    ("DATABASE_REPLICA_URL", f"postgresql://aig_web:{RANDOM}@db.acme-pilot.eu/aig"),
    ("DATABASE_FEED_URL", GOOD["DATABASE_URL"]),
    ("DATABASE_FEED_URL", POOLED),
    ("DATABASE_WEB_URL", POOLED),
    ("CLICKHOUSE_URL", "https://clickhouse.acme-pilot.eu:8443/"),
    ("CLICKHOUSE_URL", f"http://aig:{RANDOM}@clickhouse.acme-pilot.eu:8123/aig"),
    ("CLICKHOUSE_URL", "https://clickhouse.acme-pilot.eu:8443/aig"),
    ("CLICKHOUSE_URL", "http://aig:clickhouse@clickhouse:8123/aig"),
    ("REDIS_URL", "http://redis"),
    ("REDIS_URL", f"redis://aig:{RANDOM}@redis.acme-pilot.eu:6379/0"),
    ("REDIS_URL", "rediss://redis.acme-pilot.eu:6379/0"),
    ("REDIS_URL", "redis://:redis@redis:6379/0"),
    ("REDIS_URL", f"rediss://aig:{RANDOM}@redis.acme-pilot.eu:6379/0?ssl_cert_reqs=none"),
    ("PUBLIC_URL", "http://governance.acme-pilot.eu"),
    ("PUBLIC_URL", "https://governance.acme-pilot.eu/portal"),
    ("PUBLIC_URL", "https://user:secret@governance.acme-pilot.eu"),
    ("PUBLIC_URL", "https://localhost"),
    ("PUBLIC_URL", "https://127.0.0.1:8443"),
    ("CORS_ORIGINS", "*"),
    ("CORS_ORIGINS", "https://*.acme-pilot.eu"),
    ("CORS_ORIGINS", "null"),
    ("CORS_ORIGINS", "app.acme-pilot.eu"),
    ("CORS_ORIGINS", "http://app.acme-pilot.eu"),
    ("CORS_ORIGINS", "https://app.acme-pilot.eu, https://app.acme-pilot.eu/path"),
    ("CORS_ORIGINS", "https://app.acme-pilot.eu/"),
    ("TRUSTED_PROXY_HOPS", "0"),
    ("SENTRY_DSN", "http://9f0e1d2c3b4a5968@sentry.acme-pilot.eu/4502"),
    ("SENTRY_DSN", "https://sentry.acme-pilot.eu"),
    ("STRIPE_API_KEY", "pk_live_51HqLyjWDarjtT1zdp7dc"),
    ("STRIPE_WEBHOOK_SECRET", "secret"),
    ("STRIPE_WEBHOOK_SECRET_PREVIOUS", "whsec_"),
    ("STRIPE_API_BASE", "https://stripe.acme-pilot.eu"),
    ("SMTP_URL", "http://mail.acme-pilot.eu"),
    ("SMTP_URL", "smtps://"),
    ("SMTP_URL", "smtps://aig:password@mail.acme-pilot.eu:465"),
    ("MAIL_FROM", "AI Governance <no-reply@localhost>"),
    ("MAIL_FROM", "no-reply@mail.example.com"),
    ("MAIL_FROM", "nobody"),
    ("SUPPORT_EMAIL", "support@localhost"),
    ("SECURITY_EMAIL", "security"),
    ("PROVIDER_NAME", "  "),
    ("FLASK_DEBUG", "1"),
    ("PORT", "70000"),
    ("DECISION_DURABILITY", "hopefully"),
]

NEAR = [
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@db/aig"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@10.1.2.3/aig"),
    ("DATABASE_URL", f"postgresql://aig:{RANDOM}@[fd00::1]/aig"),
    ("DATABASE_URL", "postgresql://aig@/aig?host=/var/run/postgresql"),
    ("DATABASE_URL", "postgresql://aig@db.acme-pilot.eu/aig?sslmode=verify-full&sslcert=/run/secrets/aig.crt"),
    ("CLICKHOUSE_URL", f"https://aig:{RANDOM}@clickhouse.acme-pilot.eu:8443/aig"),
    ("CLICKHOUSE_URL", f"http://aig:{RANDOM}@clickhouse:8123/aig"),
    ("REDIS_URL", f"redis://:{RANDOM}@redis:6379/0"),
    ("REDIS_URL", "unix:///run/redis.sock"),
    ("SMTP_URL", "smtp://localhost:25"),
    ("CORS_ORIGINS", ""),
]

DOUBTFUL = [
    ("STRIPE_API_KEY", "sk_test_51HqLyjWDarjtT1zdp7dc"),
    ("STRIPE_API_KEY", "rk_test_51HqLyjWDarjtT1zdp7dc"),
    ("DATABASE_URL", f"{PUBLIC_DATABASE}?sslmode=require"),
    ("DATABASE_URL", "postgresql://aig@db/aig"),
    ("REDIS_URL", "redis://red-abc123:6379"),
    ("SENTRY_DSN", "https://9f0e1d2c3b4a5968@o4501.ingest.us.sentry.io/4502"),
    ("DECISION_DURABILITY", "process"),
    ("DATA_DIR", "var"),
    ("BREACHED_PASSWORDS_URL", ""),
]


def refused(environ: dict[str, str]) -> SettingsRefused:
    with pytest.raises(SettingsRefused) as caught:
        read_settings(environ)
    return caught.value


def test_a_good_configuration_starts_and_leaves_nothing_to_wonder_about() -> None:
    settings = read_settings(GOOD)

    assert faults_of(settings) == ()
    assert warnings_of(settings) == ()


@pytest.mark.parametrize(("name", "value"), BAD)
def test_production_names_a_bad_value_and_nothing_else(name: str, value: str) -> None:
    refusal = refused({**GOOD, name: value})

    assert {fault.setting for fault in refusal.faults} == {name}
    assert all(fault.remedy.endswith(".") for fault in refusal.faults)


@pytest.mark.parametrize("name", NEEDED)
def test_production_needs(name: str) -> None:
    refusal = refused({key: value for key, value in GOOD.items() if key != name})

    assert name in {fault.setting for fault in refusal.faults}


def test_a_web_process_needs_no_more_than_its_own_login() -> None:
    settings = read_settings({name: value for name, value in GOOD.items() if name != "DATABASE_URL"})

    assert faults_of(settings) == ()


def test_the_web_server_may_go_through_a_pooler_if_changes_are_announced_elsewhere() -> None:
    settings = read_settings({**GOOD, "DATABASE_WEB_URL": POOLED, "DATABASE_FEED_URL": GOOD["DATABASE_WEB_URL"]})

    assert faults_of(settings) == ()


def test_of_two_logins_a_web_process_keeps_its_own() -> None:
    settings = read_settings(GOOD)

    assert settings.for_web.database_url is None
    assert settings.for_web.log_signing_key is None
    assert settings.for_web.database_web_url == GOOD["DATABASE_WEB_URL"]


@pytest.mark.parametrize(("name", "value"), NEAR)
def test_what_stays_on_this_machine_or_in_a_private_network_may_go_without_tls(name: str, value: str) -> None:
    assert faults_of(read_settings({**GOOD, name: value})) == ()


def test_a_stores_sample_secret_is_refused() -> None:
    store = {"BACKUP_S3_ACCESS_KEY_ID": "minioadmin", "BACKUP_S3_SECRET_ACCESS_KEY": "minioadminminioadmin"}

    assert {fault.setting for fault in refused({**GOOD, **store}).faults} == {"BACKUP_S3_SECRET_ACCESS_KEY"}


def test_everything_that_is_missing_is_named_at_once() -> None:
    refusal = refused({"ENVIRONMENT": "production"})

    named = [fault.setting for fault in refusal.faults]
    assert set(named) == {*NEEDED, "DATABASE_URL"}
    assert len(named) == len(set(named))
    assert all(name in refusal.format_message() for name in NEEDED)


def test_values_that_do_not_fit_and_weak_ones_are_named_together() -> None:
    bad = {"PORT": "x", "SECRET_KEY": "short", "METRICS_TOKEN": "t", "PUBLIC_URL": "http://a.eu", "FLASK_DEBUG": "true"}

    refusal = refused({**GOOD, **bad})

    assert {fault.setting for fault in refusal.faults} == set(bad)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value in BAD if len(value) > 8])
def test_no_refusal_repeats_a_value(name: str, value: str) -> None:
    message = refused({**GOOD, name: value}).format_message()

    assert value not in message
    assert not [known for known in GOOD.values() if len(known) > 12 and known in message]


@pytest.mark.parametrize(("name", "value"), DOUBTFUL)
def test_what_is_only_doubtful_starts_and_is_a_warning(name: str, value: str) -> None:
    settings = read_settings({**GOOD, name: value})

    assert name in {warning.setting for warning in warnings_of(settings)}


def test_a_connection_bound_to_its_password_is_not_doubtful() -> None:
    settings = read_settings({**GOOD, "DATABASE_URL": f"{PUBLIC_DATABASE}?sslmode=require&channel_binding=require"})

    assert warnings_of(settings) == ()


def test_development_can_be_judged_as_if_it_were_production() -> None:
    assert faults_of(Settings()) == ()
    assert {fault.setting for fault in faults_of(Settings(), as_production=True)} >= {"SECRET_KEY", "DATABASE_URL"}


@pytest.mark.parametrize("make", [lambda: token_hex(16), lambda: token_hex(32), lambda: token_urlsafe(24)])
def test_what_a_generator_makes_is_taken(make: Callable[[], str]) -> None:
    for _ in range(15):
        token = make()

        assert faults_of(Settings(**{**msgspec.structs.asdict(read_settings(GOOD)), "metrics_token": token})) == ()


def test_metrics_have_a_port_of_their_own_in_production() -> None:
    settings = read_settings(GOOD)

    def faults(**changes: int | str | None) -> list[str]:
        return [fault.setting for fault in faults_of(msgspec.structs.replace(settings, **changes))]

    assert faults() == []
    assert faults(metrics_port=None) == faults(metrics_port=8000) == ["METRICS_PORT"]
