"""`flask billing`: setting Stripe up, and saying what differs."""

import click
from flask.cli import AppGroup

from billing import catalogue
from billing.connection import gateway
from billing.webhooks import PATH
from core.current import settings
from core.db import transaction
from core.errors import AppError

billing_commands = AppGroup("billing", help="Manage plans and prices at Stripe.")


@billing_commands.command("sync")
def sync() -> None:
    """Create or update products, prices, customer portal and webhook at Stripe for this version."""
    try:
        with transaction():
            done = catalogue.sync(wanted())
    except AppError as refused:
        raise click.ClickException(f"{refused.title}. {refused.advice}") from refused
    for line in done or ["No differences found."]:
        click.echo(line)


@billing_commands.command("doctor")
def doctor() -> None:
    """Report differences at Stripe. Exits with 1 if there are any."""
    with transaction():
        found = catalogue.differences(wanted())
    for line in found or ["No differences found."]:
        click.echo(line)
    if found:
        raise SystemExit(1)


def wanted() -> list[catalogue.Part]:
    """What there has to be at Stripe."""
    public = settings().public_url
    is_reachable = public is not None and public.startswith("https://")
    return catalogue.parts(
        gateway().client,
        webhook_url=f"{settings().base_url}{PATH}" if is_reachable else None,
        is_automatic_tax=settings().stripe_automatic_tax,
    )
