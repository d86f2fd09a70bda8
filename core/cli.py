"""The commands that run the service."""

import os

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from core import embedded, jobs, logins, rotations, supervisor
from core.backups import jobs as backup_jobs
from core.backups.cli import backup_commands
from core.settings import Settings

__all__ = ["backup_jobs", "init_app"]


database_commands = AppGroup("database", help="Manage database logins.")


@database_commands.command("logins")
def make_logins() -> None:
    """Create the web server's login named in DATABASE_WEB_URL. Releases run this automatically."""
    name = _make_logins()
    if name is None:
        click.echo("DATABASE_WEB_URL is not set. The web server logs in as the owner of the tables.", err=True)
        return
    click.echo(f"{name} may act as {' and '.join(logins.MAY_ACT_AS)}, and owns nothing.", err=True)


def _make_logins() -> str | None:
    try:
        return logins.ensure_logins(current_app)
    except logins.LoginTrouble as error:
        raise click.ClickException(str(error)) from error


def init_app(app: Flask, settings: Settings) -> None:
    app.cli.add_command(rotations.cli.secrets_commands)
    app.cli.add_command(backup_commands)

    app.cli.add_command(database_commands)

    @app.cli.command("serve")
    def serve() -> None:
        """Run everything: database (embedded without DATABASE_URL), migrations, demo, web server, worker."""
        supervisor.serve(app, settings)

    @app.cli.command("web")
    def web() -> None:
        """Run only the web server, for production. First run `flask db upgrade`."""
        if embedded.EXTENSION in app.extensions:
            _make_logins()
        command = supervisor.web_command(settings)
        os.execve(command[0], command, supervisor.web_environment(app, settings))  # noqa: S606  our own server

    @app.cli.command("worker")
    def worker() -> None:
        """Run the worker, which processes all background jobs."""
        if settings.database_web_url and not settings.database_url:
            raise click.ClickException("DATABASE_URL is missing: the worker makes backups as the owner of the tables.")
        rotations.jobs.notice_at_start(app)
        click.echo("Worker started. Waiting for jobs.", err=True)
        jobs.run_worker(current_app)
