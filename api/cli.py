"""Commands for operators: organizations, keys, policies and the decision log."""

import sys

import click
from flask.cli import AppGroup

from api.decisions import export, retention
from api.decisions import services as decisions
from api.decisions.hourly import counting as hourly
from api.decisions.schema import DecisionFilter, ExportFormat
from api.keys import services as keys
from api.keys.scopes import DEFAULT_SCOPES, Scope
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from core import accounts
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import AppError

_SLUG = click.option("--organization", "slug", required=True, metavar="SLUG", help="Slug of the organization.")

organizations_commands = AppGroup("organizations", help="Manage organizations.")
keys_commands = AppGroup("keys", help="Manage API keys.")
policies_commands = AppGroup("policies", help="Manage policies.")
decisions_commands = AppGroup("decisions", help="Export and delete decisions.")

GROUPS = (organizations_commands, keys_commands, policies_commands, decisions_commands)


class _Refusal(click.ClickException):
    """A refusal as a command shows it: what was wrong and what to do, no traceback."""

    def __init__(self, refusal: AppError) -> None:
        faults = "".join(f"\n  {fault.path}: {fault.detail}" for fault in refusal.errors)
        super().__init__(refusal.detail + faults)


@organizations_commands.command("create")
@click.option("--slug", required=True)
@click.option("--name", required=True)
def create_organization(slug: str, name: str) -> None:
    """Create an organization with the default policies."""
    try:
        with acting_as_system(), transaction():
            accounts.create(slug=slug, name=name, by=COMMAND_LINE, now=utc_now())
            policies.seed(now=utc_now())
    except AppError as refusal:
        raise _Refusal(refusal) from refusal
    click.echo(f"Created {slug}.", err=True)


@keys_commands.command("create")
@_SLUG
@click.option("--name", required=True, help="Name of the key.")
@click.option("--environment", type=click.Choice([e.value for e in KeyEnvironment]), default="live", show_default=True)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([s.value for s in Scope]),
    help="Scope of the key. Repeat for several.",
)
@click.option("--rate-limit", type=click.IntRange(min=1), help="Requests per 60 seconds.")
def create_key(slug: str, name: str, environment: str, scopes: tuple[str, ...], rate_limit: int | None) -> None:
    """Create an API key and print its secret. It is shown only once."""
    try:
        with acting_as_system(), transaction():
            issued = keys.issue(
                accounts.find_by_slug(slug).id,
                name=name,
                environment=KeyEnvironment(environment),
                scopes=tuple(map(Scope, scopes)) or DEFAULT_SCOPES,
                rate_limit=rate_limit,
                by=COMMAND_LINE,
                now=utc_now(),
            )
    except AppError as refusal:
        raise _Refusal(refusal) from refusal
    click.echo(issued.secret)


@policies_commands.command("seed")
def seed_policies() -> None:
    """Create the default policies for every organization without policies. Safe to repeat."""
    with acting_as_system(), transaction():
        seeded = policies.seed(now=utc_now())
    click.echo(f"{seeded} organizations received the default policies.", err=True)


@decisions_commands.command("purge")
def purge_decisions() -> None:
    """Delete decisions past each organization's retention. The worker runs this daily at 02:00 UTC."""
    with transaction():
        purged = retention.purge(now=utc_now())
    click.echo(f"{purged.decisions} decisions and {len(purged.partitions)} daily partitions deleted.", err=True)


@decisions_commands.command("recount")
def recount_decisions() -> None:
    """Recount all decisions per hour, for dashboards and searches. Safe to repeat and to interrupt."""
    with acting_as_system():
        for since, until in hourly.steps(now=utc_now(), anew=True):
            with transaction():
                hourly.recount(since=since, until=until)
            click.echo(f"Counted until {until:%Y-%m-%d %H:%M} UTC.", err=True)


@decisions_commands.command("erase")
@_SLUG
@click.option("--subject", required=True, help="Pseudonym as the customer sends it.")
def erase_subject(slug: str, subject: str) -> None:
    """Delete every decision about one subject."""
    try:
        with acting_as_system(), transaction():
            organization = accounts.find_by_slug(slug)
            erased = retention.erase_subject(organization, subject, by=COMMAND_LINE, now=utc_now())
    except AppError as refusal:
        raise _Refusal(refusal) from refusal
    click.echo(f"{erased} decisions deleted.", err=True)


@decisions_commands.command("export")
@_SLUG
@click.option("--format", "form", type=click.Choice([f.value for f in ExportFormat]), default="ndjson")
def export_decisions(slug: str, form: str) -> None:
    """Write an organization's decision log to standard output."""
    try:
        with acting_as_system():
            organization = accounts.find_by_slug(slug)
            with transaction():
                decisions.note_export(organization.id, ExportFormat(form), by=COMMAND_LINE, now=utc_now())
            rows = decisions.stream(organization.id, DecisionFilter(), subject_secret=organization.subject_secret)
            for line in export.lines(rows, ExportFormat(form)):
                sys.stdout.buffer.write(line)
    except AppError as refusal:
        raise _Refusal(refusal) from refusal
