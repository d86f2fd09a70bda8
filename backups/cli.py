"""`flask backup`: making, listing, trying and restoring backups by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup

from backups import encryption, making, migrating, replacing
from backups.errors import BackupTrouble
from backups.names import KEPT_FOR, BackupKind
from backups.place import here
from core.audit import COMMAND_LINE
from core.clock import utc_now

backup_commands = AppGroup("backup", help="Create, verify and restore database backups.")

_NAME = click.argument("name", required=False)


class _Trouble(click.ClickException):
    """As a command shows it: what was wrong and what to do, no traceback."""


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except BackupTrouble as error:
        raise _Trouble(str(error)) from error


@backup_commands.command("create")
@click.option("--before-release", is_flag=True, help="As part of a release: skipped if the database is empty.")
@click.option(
    "--before-migration", is_flag=True, help="Skipped unless a migration is pending and the database is not empty."
)
def create(*, before_release: bool, before_migration: bool) -> None:
    """Create a backup now."""
    with _said_plainly():
        if before_release:
            manifest = migrating.back_up_for_release(now=utc_now())
        elif before_migration:
            manifest = migrating.back_up_if_due(now=utc_now())
        else:
            manifest = making.back_up(here(), BackupKind.BY_HAND, by=COMMAND_LINE, now=utc_now())
    if manifest is None:
        why = "The database is empty" if before_release else "No migration is pending, or the database is empty"
        click.echo(f"{why}: no backup is needed.", err=True)
        return
    click.echo(f"{_size(manifest.sealed_bytes)}, {len(manifest.tables)} tables.", err=True)
    click.echo(manifest.name)


@backup_commands.command("list")
def list_backups() -> None:
    """List backups, oldest first."""
    with _said_plainly():
        kept = here().repository.stored()
    for one in kept:
        until = one.name.taken_at + KEPT_FOR
        click.echo(f"{one.name!s:<48} {_size(one.size_bytes):>10}   kept until {until:%Y-%m-%d}")
    if not kept:
        click.echo("No backups yet.", err=True)


@backup_commands.command("verify")
@_NAME
def verify(name: str | None) -> None:
    """Verify a backup (default: the newest) by restoring it into a temporary database and comparing it."""
    with _said_plainly():
        place = here()
        tried = making.verify(place, place.repository.find(name), by=COMMAND_LINE, now=utc_now())
    click.echo(f"{tried.name}: {tried.rows} rows in {tried.tables} tables verified in {tried.seconds:.1f} s.")


@backup_commands.command("restore")
@_NAME
@click.option("--replace", is_flag=True, help="Replace the current data. It is backed up first.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def restore(name: str | None, *, replace: bool, yes: bool) -> None:
    """Restore a backup (default: the newest) into the database of DATABASE_URL."""
    with _said_plainly():
        place = here()
        chosen = place.repository.find(name)
        if not yes:
            click.confirm(f"Restore {chosen}? Changes made after it will be lost", abort=True)
        done = replacing.restore(place, chosen, replace=replace, by=COMMAND_LINE, now=utc_now())
    if done.replaced:
        click.echo(f"The previous data is backed up as {done.replaced}.")
    click.echo(
        f"Restored {done.name} in {done.seconds:.1f} s: {done.rows} rows, compared with what they were; "
        f"{done.erasures} erasures were repeated."
    )
    click.echo(
        "Keys that were revoked and sessions that were ended after the backup are active again. Review them now."
    )


@backup_commands.command("key")
def key() -> None:
    """Create a key for BACKUP_KEY and print it once. Store it separately: backups cannot be opened without it."""
    click.echo(encryption.new_key())


def _size(size_bytes: int) -> str:
    mebibyte = 1024 * 1024
    return f"{size_bytes / mebibyte:.1f} MiB" if size_bytes >= mebibyte else f"{size_bytes / 1024:.1f} KiB"
