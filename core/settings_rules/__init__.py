"""What settings must be before a service may run on them: every fault at once, each with what to do about it.

Rules are generators over the settings; they know no database, no web and no clock, and never repeat a value, for most
values are secrets.
"""

from collections.abc import Callable, Iterator

from core.settings import Environment, Settings
from core.settings_rules import addresses, credentials, people
from core.settings_rules.faults import Fault

__all__ = ["FOR_AGENTS", "IN_PRODUCTION", "Fault", "Rule", "faults_of", "warnings_of"]

Rule = Callable[[Settings], Iterator[Fault]]

ALWAYS: tuple[Rule, ...] = (
    addresses.cors_origins,
    addresses.metrics_port_of_its_own,
    credentials.stripe_pair,
    credentials.backup_pair,
)
IN_PRODUCTION: tuple[Rule, ...] = (
    credentials.secret_key,
    credentials.bearer_tokens,
    addresses.database,
    addresses.redis,
    addresses.clickhouse,
    addresses.public_url,
    addresses.cors_over_https,
    addresses.proxies,
    addresses.metrics_port,
    addresses.sentry,
    credentials.stripe,
    credentials.backups,
    people.mail,
    people.provider,
    people.mailboxes,
    people.contracts_mailbox,
    people.logs,
)
FOR_AGENTS: tuple[Rule, ...] = (addresses.public_url,)
"""Of the MCP server in production: it reaches the API with its callers' keys, and holds no secret of ours."""
WORTH_A_LOOK: tuple[Rule, ...] = (
    addresses.doubtful_connections,
    credentials.stripe_in_test_mode,
    people.doubtful_habits,
)


def faults_of(
    settings: Settings, *, as_production: bool = False, in_production: tuple[Rule, ...] = IN_PRODUCTION
) -> tuple[Fault, ...]:
    """Why a service may not start with these settings; `as_production` asks as if they were meant for it."""
    is_production = as_production or settings.environment is Environment.PRODUCTION
    rules = (*ALWAYS, *in_production) if is_production else ALWAYS
    return tuple(fault for rule in rules for fault in rule(settings))


def warnings_of(settings: Settings) -> tuple[Fault, ...]:
    """What does not keep the service from starting, and that somebody should know before customers depend on it."""
    return tuple(fault for rule in WORTH_A_LOOK for fault in rule(settings))
