"""Commands about the status page."""

import click
from flask.cli import AppGroup

from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system
from portal.status import snapshot
from portal.status.bucket import BucketTrouble

status_commands = AppGroup("status", help="Manage the status page.")


@status_commands.command("render")
def render() -> None:
    """Write the status page as static files to STATUS_DIR, and push them to the bucket of STATUS_PUSH_URL.

    The worker does this after every change.
    """
    folder = settings().status_path
    with acting_as_system():
        count = snapshot.render(folder, base_url=settings().base_url, now=utc_now())
    click.echo(f"Wrote {count} files to {folder}.", err=True)
    if settings().status_push_url:
        _push(settings().status_push_url or "")


def _push(url: str) -> None:
    try:
        with acting_as_system():
            count = snapshot.push(url, base_url=settings().base_url, now=utc_now())
    except BucketTrouble as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Pushed {count} files to the bucket of STATUS_PUSH_URL.", err=True)
