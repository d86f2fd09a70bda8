"""`flask secrets`: how old each secret is, who changed it, and finishing the change of SECRET_KEY."""

import click
from flask.cli import AppGroup

from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import AppError
from core.rotations import services
from core.rotations.services import ROTATED_EVERY, Rotation

secrets_commands = AppGroup(
    "secrets", help="List and record rotations of the service's secrets. Values are never shown."
)


@secrets_commands.command("list")
def show() -> None:
    """List when each secret was last changed and which are due. Rotate each every 30 days."""
    with acting_as_system():
        found = services.rotations(now=utc_now())
    click.echo(f"{'SECRET':<24}{'FINGERPRINT':<13}{'CHANGED':<12}{'DUE':<12}BY")
    for one in found:
        click.echo(_line(one))
    overdue = [one.name for one in found if one.is_overdue]
    if overdue:
        click.echo(f"Overdue (older than {ROTATED_EVERY.days} days): {', '.join(overdue)}.", err=True)


@secrets_commands.command("record")
@click.argument("name")
@click.option("--by", required=True, help="Person who changed it.")
def record(name: str, by: str) -> None:
    """Record that a secret was changed today."""
    try:
        with acting_as_system(), transaction():
            services.record(name, by=by, now=utc_now())
    except AppError as refusal:
        raise click.ClickException(refusal.detail) from refusal
    click.echo(f"{name} was changed today by {by}.", err=True)


@secrets_commands.command("reseal")
def reseal() -> None:
    """Re-encrypt everything encrypted with SECRET_KEY_PREVIOUS. Then you can unset it."""
    with acting_as_system(), transaction():
        count = services.reseal()
    click.echo(f"{count} second factors re-encrypted. You can unset SECRET_KEY_PREVIOUS.", err=True)


def _line(one: Rotation) -> str:
    changed = f"{one.rotated_at:%Y-%m-%d}" if one.rotated_at else "unknown"
    due = "OVERDUE" if one.is_overdue else f"{one.due_at:%Y-%m-%d}" if one.due_at else "unknown"
    return f"{one.name:<24}{one.fingerprint:<13}{changed:<12}{due:<12}{one.recorded_by or 'not recorded'}"
