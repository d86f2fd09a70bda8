"""Every setting the software has, with its type, default and meaning. `core.environment` reads them.

The README's table is compared with this file by a test.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

DEVELOPMENT_SECRET = "development-only-secret-never-in-production"  # noqa: S105  refused in production


CLUSTER = "+cluster:"
"""In the scheme of REDIS_URL: `redis+cluster://`, `rediss+cluster://`."""
SigningKey = Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")]


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Durability(StrEnum):
    """When an answer may leave the building."""

    DATABASE = "database"
    DISK = "disk"
    PROCESS = "process"


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    environment: Annotated[
        Environment,
        Meta(description="`production` refuses to start with missing, default or weak settings, and names them all."),
    ] = Environment.DEVELOPMENT
    secret_key: Annotated[
        str, Meta(min_length=32, description="Signs cookies and forms, seals second factors; at least 32 characters.")
    ] = DEVELOPMENT_SECRET
    secret_key_previous: Annotated[
        Annotated[str, Meta(min_length=32)] | None,
        Meta(description="The one before, as long as a new one is rolled out."),
    ] = None
    database_url: Annotated[
        str | None,
        Meta(description="PostgreSQL 15 or newer, a direct connection. Empty: the embedded server under `DATA_DIR`."),
    ] = None
    database_web_url: Annotated[
        str | None,
        Meta(description="The same database for the web server: a login that owns nothing. A release makes it."),
    ] = None
    redis_url: Annotated[
        str | None,
        Meta(
            description="Shares rate limits between processes; `redis+cluster://` for a cluster. "
            "Empty: one process limits exactly in memory."
        ),
    ] = None
    data_dir: Annotated[str, Meta(description="Where the database, the spool and run-time files live.")] = "var"
    status_dir: Annotated[
        str | None, Meta(description="Where the status page is written as plain files. Empty: `status` in DATA_DIR.")
    ] = None
    status_push_url: Annotated[
        Annotated[str, Meta(pattern="^s3://.+$")] | None, Meta(description="Bucket for the static status page.")
    ] = None
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8000
    mcp_port: Annotated[Annotated[int, Meta(ge=1, le=65535)] | None, Meta(description="Port of the MCP server.")] = None
    public_url: Annotated[
        str | None, Meta(description="How the outside reaches us; base of the links in problem documents.")
    ] = None
    probe_url: Annotated[str | None, Meta(description="Where the worker's probes reach the service.")] = None
    allowed_hosts: Annotated[
        str,
        Meta(description="Further names under which the service answers, comma-separated, beside those of its URLs."),
    ] = ""
    web_workers: Annotated[
        int, Meta(ge=1, le=64, description="Web processes. More than one needs `REDIS_URL` for exact limits.")
    ] = 1
    web_threads: Annotated[
        int,
        Meta(
            ge=1,
            le=256,
            description="Pages that one web process makes at once; the API and downloads have threads beside them.",
        ),
    ] = 16
    checks_at_once: Annotated[
        int,
        Meta(ge=1, description="Checks of one organization that one web process has under way at once; more get 429."),
    ] = 256
    decision_durability: Annotated[
        Durability,
        Meta(
            description="When an answer may leave: its row is committed (`database`), on the local disk (`disk`), "
            "or with the operating system (`process`)."
        ),
    ] = Durability.DATABASE
    spool_max_bytes: Annotated[
        int, Meta(ge=1_000_000, description="Most the local spool of one process may hold; beyond it checks get 503.")
    ] = 1_000_000_000
    record_timeout_ms: Annotated[
        int, Meta(ge=50, le=60_000, description="How long a commit may take before the spool is used instead.")
    ] = 2_000
    snapshot_max_age_s: Annotated[
        int, Meta(ge=1, description="How long checks go on from the last good snapshot while the database is away.")
    ] = 3_600
    trusted_proxy_hops: Annotated[
        int, Meta(ge=0, le=10, description="Proxies in front of us whose `X-Forwarded-For` entry is believed.")
    ] = 0
    cors_origins: Annotated[
        str, Meta(description="Exact origins, comma-separated, whose pages may call the API. Never `*`.")
    ] = ""
    metrics_port: Annotated[Annotated[int, Meta(ge=1, le=65535)] | None, Meta(description="For `/metrics` alone.")] = (
        None
    )
    metrics_token: Annotated[str | None, Meta(description="Bearer token for `/metrics`. Empty: there is none.")] = None
    prometheus_url: Annotated[
        str | None, Meta(description="Where our Prometheus answers; the launch board asks it.")
    ] = None
    grafana_url: Annotated[str | None, Meta(description="Where our Grafana answers; the launch board asks it.")] = None
    grafana_token: Annotated[
        str | None, Meta(description="Of a Grafana service account that may view; the launch board reads with it.")
    ] = None
    alertmanager_url: Annotated[
        str | None, Meta(description="Where our Alertmanager answers; the launch board sends it a test alert.")
    ] = None
    evidence_key: Annotated[
        Annotated[str, Meta(min_length=24)] | None,
        Meta(description="Signs evidence at `/webhooks/evidence`. Empty: the address does not exist."),
    ] = None
    monitor_key: Annotated[
        Annotated[str, Meta(min_length=24)] | None,
        Meta(description="Signs what a monitor outside of us reports at `/webhooks/monitor`. Empty: none does."),
    ] = None
    metrics_token_previous: Annotated[
        str | None, Meta(description="The one before, as long as a new one is rolled out.")
    ] = None
    alertmanager_token: Annotated[
        Annotated[str, Meta(min_length=16)] | None,
        Meta(description="Bearer token for `/webhooks/alertmanager`. Empty: the address does not exist."),
    ] = None
    sentry_dsn: Annotated[str | None, Meta(description="Where errors are reported. Empty: nowhere.")] = None
    stripe_api_key: Annotated[
        Annotated[str, Meta(pattern="^(sk|rk)_(live|test)_")] | None,
        Meta(description="Of our Stripe account. Empty: a sandbox that moves no money; not in production."),
    ] = None
    stripe_webhook_secret: Annotated[
        str | None, Meta(description="Signs the events that Stripe sends to `/webhooks/stripe`.")
    ] = None
    stripe_webhook_secret_previous: Annotated[
        str | None, Meta(description="The one before, as long as a new one is rolled out.")
    ] = None
    stripe_automatic_tax: Annotated[
        bool, Meta(description="Whether Stripe calculates taxes. Off: none are, and every invoice says so.")
    ] = False
    stripe_api_base: Annotated[
        str | None, Meta(description="Where Stripe's API is. Empty: where the SDK looks for it.")
    ] = None
    smtp_url: Annotated[
        Annotated[str, Meta(pattern="^smtps?://")] | None,
        Meta(
            description=(
                "`smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`. "
                "Empty: mail stays in the local mailbox at `/mailbox`."
            ),
        ),
    ] = None
    mail_from: Annotated[str, Meta(description="The sender of our mail.")] = "AI Governance <no-reply@localhost>"
    breached_passwords_url: Annotated[
        str | None,
        Meta(
            description=(
                "A range search by the first five digits of a SHA-1 (k-anonymity), such as that of Have I Been Pwned. "
                "Empty: only the list that comes along is asked."
            )
        ),
    ] = None
    log_signing_key: Annotated[SigningKey | None, Meta(description="Signs decision logs. Empty: a derived key.")] = None
    log_signing_key_previous: Annotated[SigningKey | None, Meta(description="The one before, until a new head.")] = None
    provider_name: Annotated[str | None, Meta(description="Our own legal name, as contracts state it.")] = None
    provider_address: Annotated[str | None, Meta(description="Our registered address, in one line.")] = None
    provider_registration: Annotated[str | None, Meta(description="Our register and number.")] = None
    provider_signatory: Annotated[str | None, Meta(description="Who signs for us: name and title.")] = None
    governing_law: Annotated[str | None, Meta(description="The law of our contracts, such as `Ireland`.")] = None
    courts: Annotated[str | None, Meta(description="The courts that decide, such as `Dublin, Ireland`.")] = None
    support_email: Annotated[str | None, Meta(description="Where customers write for help.")] = None
    inbound_mail_token: Annotated[
        Annotated[str, Meta(min_length=20)] | None,
        Meta(
            description=(
                "Bearer token, at least 20 characters, with which the mail provider hands in what comes to "
                "`SUPPORT_EMAIL`, as raw MIME. Empty: `/webhooks/inbound-mail` does not exist."
            )
        ),
    ] = None
    on_call_phone: Annotated[str | None, Meta(description="Whom customers call when the API is down.")] = None
    legal_email: Annotated[str | None, Meta(description="Where legal notices go.")] = None
    contracts_email: Annotated[str | None, Meta(description="Where questions about contracts go.")] = None
    privacy_email: Annotated[str | None, Meta(description="Where questions about personal data go.")] = None
    security_email: Annotated[str | None, Meta(description="Where security reports go.")] = None
    backup_url: Annotated[
        Annotated[str, Meta(pattern="^(file:///.+|s3://.+)$")] | None,
        Meta(description="Where backups go: `file:///folder` or `s3://bucket/prefix`. Empty: `backups` in `DATA_DIR`."),
    ] = None
    backup_key: Annotated[
        Annotated[str, Meta(pattern="^AGE-SECRET-KEY-1")] | None,
        Meta(description="Seals backups: an age key. Empty: one that is made in `DATA_DIR`; not in production."),
    ] = None
    backup_key_previous: Annotated[
        Annotated[str, Meta(pattern="^AGE-SECRET-KEY-1")] | None,
        Meta(description="The one before, for as long as backups that it sealed are kept."),
    ] = None
    backup_verify_url: Annotated[
        str | None, Meta(description="A server on which backups are tried. Empty: the one of `DATABASE_URL`.")
    ] = None
    backup_s3_endpoint: Annotated[
        Annotated[str, Meta(pattern="^https?://")] | None, Meta(description="Of an S3-compatible store. Empty: AWS.")
    ] = None
    backup_s3_region: Annotated[str | None, Meta(description="Of the bucket.")] = None
    backup_s3_access_key_id: Annotated[str | None, Meta(description="Empty: what the machine's role gives.")] = None
    backup_s3_secret_access_key: Annotated[str | None, Meta(description="Goes with the access key id.")] = None
    postgres_bin: Annotated[
        str | None, Meta(description="The folder of `pg_dump` and `pg_restore`. Empty: found on the `PATH`.")
    ] = None
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
