"""The commands that run the service."""

import os

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from core import jobs, logins, rotations
from core.serving import command
from core.settings import Settings

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
    app.cli.add_command(database_commands)

    @app.cli.command("web")
    def web() -> None:
        """Run only the web server, for production. First run `flask db upgrade`."""
        if not (settings.database_url or settings.database_web_url):
            _make_logins()  # of the embedded database, which has no release command
        arguments = command.web_command()
        environment = command.web_environment(app.config["DATABASE_WEB_URL"], settings)
        os.execve(arguments[0], arguments, environment)  # noqa: S606  our own server

    @app.cli.command("mcp")
    def mcp() -> None:
        """Run only the MCP server for agents, on MCP_PORT."""
        if settings.mcp_port is None:
            raise click.ClickException("MCP_PORT is missing. Set the port that the MCP server listens on.")
        arguments = command.mcp_command(settings, port=settings.mcp_port)
        os.execv(arguments[0], arguments)  # noqa: S606  our own server

    @app.cli.command("worker")
    def worker() -> None:
        """Run the worker, which processes all background jobs."""
        if settings.database_web_url and not settings.database_url:
            raise click.ClickException(
                "DATABASE_URL is missing: the worker creates backups as the owner of the tables."
            )
        rotations.jobs.notice_at_start(app)
        click.echo("Worker started. Waiting for jobs.", err=True)
        jobs.run_worker(current_app)
