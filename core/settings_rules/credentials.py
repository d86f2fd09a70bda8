"""Secrets of our own, and Stripe's."""

from collections.abc import Iterator

from core.settings import DEVELOPMENT_SECRET, Settings
from core.settings_rules.faults import Fault, is_guessable, is_typed

KEY_GUESSES_LOG10 = 30.0
"""About 100 bits; `openssl rand -hex 32` has 256."""
TOKEN_CHARS, TOKEN_GUESSES_LOG10 = 24, 20.0
GIVEN_GUESSES_LOG10 = 15.0
"""Of secrets that others give us: they are random, so this finds samples alone."""
_MAKE_ONE = "Create one with `openssl rand -hex 32`."


def secret_key(settings: Settings) -> Iterator[Fault]:
    if settings.secret_key == DEVELOPMENT_SECRET:
        yield Fault("SECRET_KEY", "is missing", _MAKE_ONE)
    elif _is_weak_key(settings.secret_key):
        yield Fault("SECRET_KEY", "could be guessed: it is a sample, or not random", _MAKE_ONE)
    previous = settings.secret_key_previous
    if previous is None:
        return
    if previous == DEVELOPMENT_SECRET or _is_weak_key(previous):
        yield Fault("SECRET_KEY_PREVIOUS", "could be guessed, and is still accepted", "Unset it.")
    elif previous == settings.secret_key:
        yield Fault("SECRET_KEY_PREVIOUS", "is the same as SECRET_KEY", "Unset it, or set a new SECRET_KEY.")


def _is_weak_key(key: str) -> bool:
    return is_guessable(key, guesses_log10=KEY_GUESSES_LOG10) or is_typed(key)


def bearer_tokens(settings: Settings) -> Iterator[Fault]:
    if not settings.metrics_token:
        yield Fault("METRICS_TOKEN", "is missing", _MAKE_ONE)
    for name, token in (
        ("METRICS_TOKEN", settings.metrics_token),
        ("METRICS_TOKEN_PREVIOUS", settings.metrics_token_previous),
        ("ALERTMANAGER_TOKEN", settings.alertmanager_token),
        ("INBOUND_MAIL_TOKEN", settings.inbound_mail_token),
        ("EVIDENCE_KEY", settings.evidence_key),
        ("MONITOR_KEY", settings.monitor_key),
    ):
        if token and (
            len(token) < TOKEN_CHARS or is_guessable(token, guesses_log10=TOKEN_GUESSES_LOG10) or is_typed(token)
        ):
            yield Fault(name, f"could be guessed: it needs {TOKEN_CHARS} random characters", _MAKE_ONE)


def stripe_pair(settings: Settings) -> Iterator[Fault]:
    if settings.stripe_api_key and not settings.stripe_webhook_secret:
        yield Fault(
            "STRIPE_WEBHOOK_SECRET",
            "is missing although STRIPE_API_KEY is set, so incoming events could not be verified",
            "Copy it from the webhook that `flask billing sync` creates.",
        )


def stripe(settings: Settings) -> Iterator[Fault]:
    if not settings.stripe_api_key:
        yield Fault(
            "STRIPE_API_KEY", "is missing", "Copy it from Stripe's dashboard; there is no sandbox in production."
        )
        if not settings.stripe_webhook_secret:
            yield Fault("STRIPE_WEBHOOK_SECRET", "is missing", "Copy it from the webhook in Stripe's dashboard.")
    for name, secret in (
        ("STRIPE_WEBHOOK_SECRET", settings.stripe_webhook_secret),
        ("STRIPE_WEBHOOK_SECRET_PREVIOUS", settings.stripe_webhook_secret_previous),
    ):
        if secret and not (secret.startswith("whsec_") and len(secret) >= TOKEN_CHARS):
            yield Fault(name, "is not a Stripe webhook secret", "It starts with whsec_; copy all of it.")
        elif secret and is_guessable(secret.removeprefix("whsec_"), guesses_log10=GIVEN_GUESSES_LOG10):
            yield Fault(name, "is a sample, or not random", "Copy it from the webhook in Stripe's dashboard.")
    if settings.stripe_api_key and is_guessable(
        settings.stripe_api_key.split("_", 2)[-1], guesses_log10=GIVEN_GUESSES_LOG10
    ):
        yield Fault("STRIPE_API_KEY", "is a sample, or not random", "Copy it from Stripe's dashboard.")
    if settings.stripe_api_base:
        yield Fault("STRIPE_API_BASE", "sends Stripe's key somewhere else", "Unset it; it is for tests.")


def stripe_in_test_mode(settings: Settings) -> Iterator[Fault]:
    """A pilot runs so on purpose; a paid service must not."""
    if settings.stripe_api_key and "_test_" in settings.stripe_api_key[: len("sk_test_")]:
        yield Fault("STRIPE_API_KEY", "is a test key: no money moves", "Set the live key before customers pay.")


def backup_pair(settings: Settings) -> Iterator[Fault]:
    if bool(settings.backup_s3_access_key_id) != bool(settings.backup_s3_secret_access_key):
        yield Fault(
            "BACKUP_S3_ACCESS_KEY_ID",
            "and BACKUP_S3_SECRET_ACCESS_KEY must be set together",
            "Set both, or neither if the machine's role can write to the bucket.",
        )


def backups(settings: Settings) -> Iterator[Fault]:
    if not settings.backup_key:
        yield Fault(
            "BACKUP_KEY", "is missing", "Create one with `flask backup key`, and keep a copy outside the service."
        )
    if settings.backup_s3_secret_access_key and is_guessable(
        settings.backup_s3_secret_access_key, guesses_log10=GIVEN_GUESSES_LOG10
    ):
        yield Fault("BACKUP_S3_SECRET_ACCESS_KEY", "could be guessed", "Set a random secret at the store.")
    if not settings.backup_url:
        yield Fault("BACKUP_URL", "is missing", "Set a folder on another disk, or s3://bucket/prefix.")
