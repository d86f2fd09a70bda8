"""Commands about operators: they are made here, never on a page."""

import click
from flask.cli import AppGroup

from core import addresses, audit, names, sessions
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.passwords import hash_password
from core.tokens import new_token
from portal.customer.people import accounts, links
from portal.customer.people.models import Purpose
from portal.customer.team import departures

operators_commands = AppGroup("operators", help="Manage operators.")


@operators_commands.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True)
def create(email: str, name: str) -> None:
    """Create an operator and print a link to set the password. They must then add a second factor."""
    email, name = addresses.clean(email), names.clean(name)
    with acting_as_system(), transaction():
        now = utc_now()
        user = accounts.find_by_email(email)
        if user is None:
            unusable = hash_password(new_token())
            user = accounts.create_user(email=email, name=name, password_hash=unusable, now=now, is_confirmed=True)
        user.is_operator = True
        accounts.forget_proofs(user, now=now)
        secret = links.issue(user, Purpose.RESET_PASSWORD, now=now)
        audit.write(None, "operator.made", by=COMMAND_LINE, now=now, subject_id=str(user.id))
    click.echo(f"{settings().base_url}/reset-password/{secret}")


@operators_commands.command("remove")
@click.option("--email", required=True)
def remove(email: str) -> None:
    """Remove an operator and end their sessions."""
    with acting_as_system(), transaction():
        user = accounts.find_by_email(email.strip().lower())
        if user is None or not user.is_operator:
            raise click.ClickException("Operator not found. Check the email address.")
        user.is_operator = False
        sessions.revoke_all(user.id, now=utc_now())
        audit.write(None, "operator.removed", by=COMMAND_LINE, now=utc_now(), subject_id=str(user.id))
        departures.end_trust(None, user.id, by=COMMAND_LINE, now=utc_now())
    click.echo(f"{email} is no longer an operator.", err=True)
