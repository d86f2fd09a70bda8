"""Where the service is reached, and what it reaches itself."""

from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, unquote

from core import database_address
from core.database_address import DatabaseAddress
from core.settings import Settings
from core.settings_rules.faults import Fault, address_of, is_guessable, is_near, is_this_machine

_REDIS = frozenset(
    {"unix", *(f"{name}{kind}" for name in ("redis", "rediss") for kind in ("", "+cluster", "+sentinel"))}
)
PASSWORD_GUESSES_LOG10 = 10.0
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_NO_PASSWORD_NEARBY = "Set one, even in a private network."  # noqa: S105  advice
_NEW_PASSWORD = "Set a random password, on the server and here."  # noqa: S105  advice


def database(settings: Settings) -> Iterator[Fault]:
    """A web process knows its own login alone; all others know both."""
    if settings.database_url:
        yield from _database("DATABASE_URL", settings.database_url)
        yield from _direct("DATABASE_URL", settings.database_url)
    elif not settings.database_web_url:
        yield Fault("DATABASE_URL", "is missing", "Set the URL of PostgreSQL 15 or newer, with its user and password.")
    if settings.database_web_url:
        yield from _database("DATABASE_WEB_URL", settings.database_web_url)
        if settings.database_feed_url is None:
            yield from _direct("DATABASE_WEB_URL", settings.database_web_url)
    else:
        yield Fault(
            "DATABASE_WEB_URL",
            "is missing, so that pages would log in as the owner of the tables",
            "Set the URL in DATABASE_URL with a new user, such as aig_web, and a new random password; "
            "flask database logins creates that login.",
        )
    if settings.database_feed_url:
        yield from _database("DATABASE_FEED_URL", settings.database_feed_url)
        yield from _direct("DATABASE_FEED_URL", settings.database_feed_url)
    if settings.database_replica_url:
        yield from _database("DATABASE_REPLICA_URL", settings.database_replica_url)
    owner = _user_of(settings.database_url)
    for name, url in (
        ("DATABASE_WEB_URL", settings.database_web_url),
        ("DATABASE_FEED_URL", settings.database_feed_url),
        ("DATABASE_REPLICA_URL", settings.database_replica_url),
    ):
        if owner and owner == _user_of(url):
            yield Fault(name, "uses the owner of the tables", "Use a separate user, such as aig_web.")


def _database(name: str, value: str) -> Iterator[Fault]:
    address = database_address.read(value)
    if address is None:
        yield Fault(name, "is not a PostgreSQL URL", "It looks like postgresql://user:password@host/database.")
        return
    if "service" in address.options:
        yield Fault(name, "names a service from a file, so the server it uses is not visible", "Set the URL itself.")
        return
    far = [host for host in address.remote_hosts if not is_near(host)]
    yield from _password(name, address.password, is_far=bool(far), has_key="sslcert" in address.options)
    if far and address.options.get("sslmode") not in _ENCRYPTED:
        yield Fault(name, "uses a public network without TLS", "Add ?sslmode=verify-full&sslrootcert=system.")


def _direct(name: str, value: str) -> Iterator[Fault]:
    address = database_address.read(value)
    if address and any("-pooler." in host for host in address.remote_hosts):
        advice = "Use the direct address here. DATABASE_WEB_URL can use a pooler if DATABASE_FEED_URL is set."
        yield Fault(name, "points to a transaction pooler", advice)


def redis(settings: Settings) -> Iterator[Fault]:
    name = "REDIS_URL"
    if not settings.redis_url:
        yield Fault(name, "is missing", "Set the URL of Redis: rediss://user:password@host:port/0.")
        return
    url = address_of(settings.redis_url)
    if url is None or url.scheme not in _REDIS:
        yield Fault(name, "is not a Redis URL", "It looks like rediss://user:password@host:port/0.")
        return
    is_far = not is_near(_host(url))
    yield from _password(name, _password_of(url), is_far=is_far, has_key=bool(_option(url, "sslcert")))
    if url.scheme != "unix" and not is_near(url.hostname):
        if not url.scheme.startswith("rediss"):
            yield Fault(name, "uses a public network without TLS", "Turn on TLS and use rediss://.")
        elif _option(url, "ssl_cert_reqs") in {"none", "optional"}:
            yield Fault(name, "does not check the server's certificate", "Remove ssl_cert_reqs.")


def clickhouse(settings: Settings) -> Iterator[Fault]:
    """None is right too."""
    name = "CLICKHOUSE_URL"
    if not settings.clickhouse_url:
        return
    url = address_of(settings.clickhouse_url)
    if url is None or not url.hostname or not url.path.strip("/"):
        yield Fault(name, "is no address of a database", "It looks like https://user:password@host:8443/database.")
        return
    is_far = not is_near(url.hostname)
    yield from _password(name, _password_of(url), is_far=is_far, has_key=False)
    if is_far and url.scheme != "https":
        yield Fault(name, "goes over a public network without TLS", "Switch TLS on and write https://.")


def public_url(settings: Settings) -> Iterator[Fault]:
    name = "PUBLIC_URL"
    if not settings.public_url:
        yield Fault(name, "is missing", "Set the URL at which customers reach the service: https://….")
        return
    url = address_of(settings.public_url)
    if url is None or url.scheme != "https" or not url.hostname:
        yield Fault(name, "is not an https:// URL", "Set the URL at which customers reach the service: https://….")
        return
    if not _is_bare(url):
        yield Fault(name, "has more than a host", "Remove user, path, query and fragment.")
    if is_this_machine(url.hostname):
        yield Fault(name, "points to this machine", "Use the name at which customers reach it; emails contain it.")


def cors_origins(settings: Settings) -> Iterator[Fault]:
    if not all(_is_origin(origin) for origin in settings.allowed_origins):
        yield Fault(
            "CORS_ORIGINS",
            "has an entry that is not an exact origin",
            "List scheme and host, such as https://app.example.com, with no path, no * and no null.",
        )


def cors_over_https(settings: Settings) -> Iterator[Fault]:
    if any(origin.lower().startswith("http://") for origin in settings.allowed_origins):
        yield Fault("CORS_ORIGINS", "allows pages that were loaded over http", "List https origins only.")


def proxies(settings: Settings) -> Iterator[Fault]:
    if not settings.trusted_proxy_hops:
        yield Fault(
            "TRUSTED_PROXY_HOPS",
            "is 0, but TLS must end at a proxy in front of the service",
            "Set the number of proxies between callers and the service, usually 1.",
        )


def metrics_port(settings: Settings) -> Iterator[Fault]:
    if not settings.metrics_port:
        yield Fault(
            "METRICS_PORT",
            "is missing, so that /metrics would be on the public port",
            "Set a port that only Prometheus can reach, such as 9464.",
        )


def metrics_port_of_its_own(settings: Settings) -> Iterator[Fault]:
    if settings.metrics_port is not None and settings.metrics_port == settings.port:
        yield Fault("METRICS_PORT", "is the public port", "Set a port that only Prometheus can reach, such as 9464.")


def sentry(settings: Settings) -> Iterator[Fault]:
    if not settings.sentry_dsn:
        yield Fault("SENTRY_DSN", "is missing", "Copy it from the project's settings in Sentry.")
        return
    url = address_of(settings.sentry_dsn)
    if url is None or url.scheme != "https" or not url.username or not url.path.strip("/"):
        yield Fault("SENTRY_DSN", "is not the https:// DSN of a project", "Copy it from the project in Sentry.")


def doubtful_connections(settings: Settings) -> Iterator[Fault]:
    for name, value in (
        ("DATABASE_URL", settings.database_url),
        ("DATABASE_WEB_URL", settings.database_web_url),
        ("DATABASE_FEED_URL", settings.database_feed_url),
        ("DATABASE_REPLICA_URL", settings.database_replica_url),
    ):
        yield from _doubtful_database(name, value or "")
    url = address_of(settings.redis_url or "")
    if url and url.scheme != "unix" and _host(url) and is_near(_host(url)) and not _password_of(url):
        yield Fault("REDIS_URL", "has no password", _NO_PASSWORD_NEARBY)
    if settings.sentry_dsn and ".sentry.io" in settings.sentry_dsn and ".de.sentry.io" not in settings.sentry_dsn:
        yield Fault("SENTRY_DSN", "sends reports outside the EU", "Create the organization in Sentry's EU region.")


def _doubtful_database(name: str, value: str) -> Iterator[Fault]:
    address = database_address.read(value)
    if address and not _is_checked(address):
        yield Fault(
            name,
            "is encrypted, but the server's certificate is not checked",
            "Use sslmode=verify-full&sslrootcert=system.",
        )
    if address and not address.password and any(is_near(host) for host in address.remote_hosts):
        yield Fault(name, "has no password", _NO_PASSWORD_NEARBY)


def _password(name: str, password: str | None, *, is_far: bool, has_key: bool) -> Iterator[Fault]:
    if password is None:
        if is_far and not has_key:
            yield Fault(name, "has no password", _NEW_PASSWORD)
    elif is_guessable(password, guesses_log10=PASSWORD_GUESSES_LOG10):
        yield Fault(name, "has a default password, or one that could be guessed", _NEW_PASSWORD)


def _user_of(value: str | None) -> str | None:
    address = database_address.read(value or "")
    return address.options.get("user") if address else None


def _password_of(url: SplitResult) -> str | None:
    given = url.password or _option(url, "password")
    return unquote(given) if given else None


def _host(url: SplitResult) -> str | None:
    """None for a socket of this machine."""
    host = url.hostname or _option(url, "host")
    return None if host and host.startswith("/") else host


def _option(url: SplitResult, name: str) -> str | None:
    return next(iter(parse_qs(url.query).get(name, ())), None)


def _is_checked(address: DatabaseAddress) -> bool:
    """The log-in itself may prove that the server at the other end of the TLS connection knows the password."""
    is_far = any(not is_near(host) for host in address.remote_hosts)
    is_bound = address.options.get("channel_binding") == "require"
    return not is_far or address.options.get("sslmode") != "require" or is_bound


def _is_bare(url: SplitResult) -> bool:
    return not (url.username or url.password or url.query or url.fragment or url.path.strip("/"))


def _is_origin(origin: str) -> bool:
    url = address_of(origin)
    if url is None or url.scheme not in {"http", "https"} or not url.hostname:
        return False
    return "*" not in origin and _is_bare(url) and not url.path
