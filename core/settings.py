"""Every setting the software has, with its type, default and meaning. `core.environment` reads them.

The README's table is compared with this file by a test.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from core.backup_settings import BackupSettings

DEVELOPMENT_SECRET = "development-only-secret-never-in-production"  # noqa: S105  refused in production


CLUSTER, SENTINEL = "+cluster:", "+sentinel:"
"""In the scheme of REDIS_URL: `redis+cluster://`, `rediss+cluster://`, and so for Sentinel."""
SigningKey = Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")]


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Durability(StrEnum):
    """When an answer may leave the building."""

    DATABASE = "database"
    DISK = "disk"
    PROCESS = "process"


class Settings(BackupSettings, frozen=True, kw_only=True, rename="upper"):
    environment: Annotated[
        Environment,
        Meta(description="`production` refuses to start with missing, default or weak settings, and names them all."),
    ] = Environment.DEVELOPMENT
    secret_key: Annotated[
        str, Meta(min_length=32, description="Signs cookies and forms, encrypts second factors; 32 characters or more.")
    ] = DEVELOPMENT_SECRET
    secret_key_previous: Annotated[
        Annotated[str, Meta(min_length=32)] | None,
        Meta(description="The previous value, while a new one is rolled out."),
    ] = None
    database_url: Annotated[
        str | None,
        Meta(description="PostgreSQL 15 or newer, a direct connection. Empty: the embedded server under `DATA_DIR`."),
    ] = None
    database_web_url: Annotated[
        str | None,
        Meta(description="The same database, with the web server's login, which owns nothing. A release creates it."),
    ] = None
    database_feed_url: Annotated[
        str | None,
        Meta(description="A direct address for changes, if `DATABASE_WEB_URL` is a transaction pooler."),
    ] = None
    database_replica_url: Annotated[
        str | None, Meta(description="A replica that serves lists, dashboards and exports while it is up to date.")
    ] = None
    clickhouse_url: Annotated[
        Annotated[str, Meta(pattern="^https?://.+/.+$")] | None,
        Meta(description="ClickHouse: a copy of the log for searches and dashboards. Empty: PostgreSQL is used."),
    ] = None
    redis_url: Annotated[
        str | None,
        Meta(description="Shares rate limits; also `redis+cluster://`, `redis+sentinel://`. Empty: in memory."),
    ] = None
    data_dir: Annotated[str, Meta(description="The folder for the database, the spool and run-time files.")] = "var"
    status_dir: Annotated[
        str | None, Meta(description="The folder for the static status page. Empty: `status` in `DATA_DIR`.")
    ] = None
    status_push_url: Annotated[
        Annotated[str, Meta(pattern="^s3://.+$")] | None, Meta(description="A bucket for the static status page.")
    ] = None
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8000
    mcp_port: Annotated[Annotated[int, Meta(ge=1, le=65535)] | None, Meta(description="Port of the MCP server.")] = None
    public_url: Annotated[
        str | None, Meta(description="The public URL of the service; links in emails and errors start with it.")
    ] = None
    probe_url: Annotated[str | None, Meta(description="The URL at which the worker's probes reach the service.")] = None
    allowed_hosts: Annotated[
        str,
        Meta(description="Additional host names to respond to, comma-separated, besides those of its URLs."),
    ] = ""
    web_workers: Annotated[
        int, Meta(ge=1, le=64, description="Web processes. More than one needs `REDIS_URL` for exact limits.")
    ] = 1
    web_threads: Annotated[
        int,
        Meta(
            ge=1,
            le=256,
            description="Pages that one web process renders at once. The API and downloads have their own threads.",
        ),
    ] = 16
    checks_at_once: Annotated[
        int,
        Meta(ge=1, description="Concurrent checks of one organization per web process; more get a 429."),
    ] = 256
    decision_durability: Annotated[
        Durability,
        Meta(
            description="When a response is sent: after its row is committed (`database`), flushed to the local disk "
            "(`disk`), or handed to the operating system (`process`)."
        ),
    ] = Durability.DATABASE
    spool_max_bytes: Annotated[
        int, Meta(ge=1_000_000, description="Maximum size of a process's local spool; beyond it, checks get a 503.")
    ] = 1_000_000_000
    record_timeout_ms: Annotated[
        int, Meta(ge=50, le=60_000, description="How long to wait for a commit before the spool is used instead.")
    ] = 2_000
    snapshot_max_age_s: Annotated[
        int, Meta(ge=1, description="How long checks use the last good snapshot while the database is unavailable.")
    ] = 3_600
    trusted_proxy_hops: Annotated[
        int, Meta(ge=0, le=10, description="Proxies in front of the service whose `X-Forwarded-For` is trusted.")
    ] = 0
    cors_origins: Annotated[
        str, Meta(description="Exact origins whose pages may call the API, comma-separated. Never `*`.")
    ] = ""
    metrics_port: Annotated[Annotated[int, Meta(ge=1, le=65535)] | None, Meta(description="A port for `/metrics`.")] = (
        None
    )
    metrics_token: Annotated[str | None, Meta(description="Bearer token for `/metrics`. Empty: no such page.")] = None
    prometheus_url: Annotated[str | None, Meta(description="The URL of our Prometheus, for the launch board.")] = None
    grafana_url: Annotated[str | None, Meta(description="The URL of our Grafana, for the launch board.")] = None
    grafana_token: Annotated[
        str | None, Meta(description="Token of a Grafana service account with the Viewer role, for the launch board.")
    ] = None
    alertmanager_url: Annotated[
        str | None, Meta(description="The URL of our Alertmanager; the launch board sends it a test alert.")
    ] = None
    evidence_key: Annotated[
        Annotated[str, Meta(min_length=24)] | None,
        Meta(description="Signs evidence sent to `/webhooks/evidence`. Empty: the endpoint does not exist."),
    ] = None
    monitor_key: Annotated[
        Annotated[str, Meta(min_length=24)] | None,
        Meta(description="Signs the reports of an external monitor to `/webhooks/monitor`. Empty: there is none."),
    ] = None
    metrics_token_previous: Annotated[
        str | None, Meta(description="The previous value, while a new one is rolled out.")
    ] = None
    alertmanager_token: Annotated[
        Annotated[str, Meta(min_length=16)] | None,
        Meta(description="Bearer token for `/webhooks/alertmanager`. Empty: the endpoint does not exist."),
    ] = None
    sentry_dsn: Annotated[str | None, Meta(description="The Sentry project to report errors to. Empty: none.")] = None
    stripe_api_key: Annotated[
        Annotated[str, Meta(pattern="^(sk|rk)_(live|test)_")] | None,
        Meta(description="API key of our Stripe account. Empty: a sandbox that moves no money (not in production)."),
    ] = None
    stripe_webhook_secret: Annotated[
        str | None, Meta(description="Verifies the events that Stripe sends to `/webhooks/stripe`.")
    ] = None
    stripe_webhook_secret_previous: Annotated[
        str | None, Meta(description="The previous value, while a new one is rolled out.")
    ] = None
    stripe_automatic_tax: Annotated[
        bool, Meta(description="Whether Stripe calculates taxes. Off: no taxes, and every invoice says so.")
    ] = False
    stripe_api_base: Annotated[str | None, Meta(description="The URL of Stripe's API. Empty: the SDK's default.")] = (
        None
    )
    smtp_url: Annotated[
        Annotated[str, Meta(pattern="^smtps?://")] | None,
        Meta(
            description=(
                "`smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`. "
                "Empty: email stays in the local mailbox at `/mailbox`."
            ),
        ),
    ] = None
    mail_from: Annotated[str, Meta(description="The sender of our emails.")] = "AI Governance <no-reply@localhost>"
    breached_passwords_url: Annotated[
        str | None,
        Meta(
            description=(
                "A range search by the first five digits of a SHA-1 (k-anonymity), such as that of Have I Been Pwned. "
                "Empty: only the built-in list is checked."
            )
        ),
    ] = None
    log_signing_key: Annotated[SigningKey | None, Meta(description="Signs decision logs. Empty: a derived key.")] = None
    log_signing_key_previous: Annotated[SigningKey | None, Meta(description="The previous one, until a head.")] = None
    policy_signing_key: Annotated[SigningKey | None, Meta(description="Signs bundles. Empty: a derived key.")] = None
    policy_signing_key_previous: Annotated[SigningKey | None, Meta(description="The previous one, if pinned.")] = None
    provider_name: Annotated[str | None, Meta(description="Our legal name, as stated in contracts.")] = None
    provider_address: Annotated[str | None, Meta(description="Our registered address, on one line.")] = None
    provider_registration: Annotated[str | None, Meta(description="Our register and registration number.")] = None
    provider_signatory: Annotated[str | None, Meta(description="Who signs for us: name and title.")] = None
    governing_law: Annotated[str | None, Meta(description="The law of our contracts, such as `Ireland`.")] = None
    courts: Annotated[str | None, Meta(description="The courts with jurisdiction, such as `Dublin, Ireland`.")] = None
    support_email: Annotated[str | None, Meta(description="The address customers write to for help.")] = None
    inbound_mail_token: Annotated[
        Annotated[str, Meta(min_length=20)] | None,
        Meta(
            description=(
                "Bearer token, at least 20 characters, with which the email provider delivers email to "
                "`SUPPORT_EMAIL`, as raw MIME. Empty: `/webhooks/inbound-mail` does not exist."
            )
        ),
    ] = None
    on_call_phone: Annotated[str | None, Meta(description="The number customers call when the API is down.")] = None
    legal_email: Annotated[str | None, Meta(description="The address for legal notices.")] = None
    contracts_email: Annotated[str | None, Meta(description="The address for questions about contracts.")] = None
    privacy_email: Annotated[str | None, Meta(description="The address for questions about personal data.")] = None
    security_email: Annotated[str | None, Meta(description="The address for security reports.")] = None
    log_level: Annotated[
        str,
        Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`."),
    ] = "INFO"

    @property
    def for_web(self) -> "Settings":
        """What a web process is to know: of two logins the one that owns nothing, and not what signs the log."""
        hidden = dict.fromkeys(("database_url", "log_signing_key", "log_signing_key_previous"))
        return msgspec.structs.replace(self, **hidden) if self.database_web_url else self

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The one that signs first; what the others signed is still believed."""
        return tuple(key for key in (self.secret_key, self.secret_key_previous) if key)

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir).resolve()

    @property
    def spool_path(self) -> Path:
        return self.data_path / "spool"

    @property
    def status_path(self) -> Path:
        return Path(self.status_dir).resolve() if self.status_dir else self.data_path / "status"

    @property
    def local_url(self) -> str:
        """How this machine reaches the service."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  compared, not bound
        return f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        return (self.public_url or self.local_url).rstrip("/")

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def probed_url(self) -> str:
        return (self.probe_url or self.base_url).rstrip("/")

    @property
    def allowed_origins(self) -> frozenset[str]:
        return frozenset(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())
