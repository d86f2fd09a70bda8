"""`flask machines`: what waits where, and bringing a disk's decisions home."""

from pathlib import Path

import click
import psycopg
from flask import current_app
from flask.cli import AppGroup

from api.machines import replaying, services
from api.machines.spools import known_machine_id
from core import audit
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.connections import connect_as
from core.current import settings
from core.db import DatabaseRole, acting_as_system, transaction
from core.errors import AppError

machines_commands = AppGroup("machines", help="See which machines hold decisions, and replay those of a lost one.")
_TIMEOUT_S = 60


@machines_commands.command("list")
def list_machines() -> None:
    """List the web machines and the decisions that wait on their disks."""
    with acting_as_system(), transaction():
        for machine in services.every_machine(now=utc_now()):
            heard = f"{'silent since' if machine.is_silent else 'heard'} {machine.reported_at:%Y-%m-%d %H:%M:%S} UTC"
            click.echo(f"{machine.id}  {machine.name}  {machine.waiting.rows} decisions waiting  {heard}")


@machines_commands.command("replay")
@click.argument("data_dir", type=click.Path(file_okay=False, path_type=Path))
def replay(data_dir: Path) -> None:
    """Write the decisions in DATA_DIR of a lost machine to the database. That machine must not be running."""
    url = current_app.config["DATABASE_URL"]
    try:
        replayed = replaying.replay(
            data_dir,
            own_path=settings().data_path,
            connect=lambda: connect_as(DatabaseRole.SYSTEM, url, timeout_s=_TIMEOUT_S),
        )
    except AppError as refusal:
        raise click.ClickException(refusal.detail) from refusal
    except (psycopg.Error, OSError) as error:
        raise click.ClickException(
            f"Stopped: {error}. What was not written is still in the spool; run it again."
        ) from error
    _put_on_record(data_dir, replayed)
    click.echo(
        f"{replayed.rows} decisions replayed, {replayed.left.rows} left, {replayed.left.quarantined} in quarantine."
    )
    if replayed.left.rows:
        raise click.ClickException("A running service holds the rest. Stop it and run this again.")


def _put_on_record(data_dir: Path, replayed: replaying.Replayed) -> None:
    machine_id = known_machine_id(data_dir)
    shown_id = str(machine_id) if machine_id else None
    with acting_as_system(), transaction():
        if machine_id is not None:
            services.note_replayed(machine_id, replayed.left)
        after = {"decisions": replayed.rows}
        audit.write(None, "spool.replayed", by=COMMAND_LINE, now=utc_now(), subject_id=shown_id, after=after)
