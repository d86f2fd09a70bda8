"""The commands that run the service."""

import os

import click
from flask import Flask, current_app

from core import jobs, rotations, supervisor
from core.backups import jobs as backup_jobs
from core.backups.cli import backup_commands
from core.settings import Settings

__all__ = ["backup_jobs", "init_app"]


def init_app(app: Flask, settings: Settings) -> None:
    app.cli.add_command(rotations.cli.secrets_commands)
    app.cli.add_command(backup_commands)

    @app.cli.command("serve")
    def serve() -> None:
        """Run everything: database (the embedded one, without DATABASE_URL), migrations, demo, web server, worker."""
        supervisor.serve(app, settings)

    @app.cli.command("web")
    def web() -> None:
        """Run the web server alone, for production; migrate first with `flask db upgrade`."""
        command = supervisor.web_command(settings)
        os.execve(command[0], command, supervisor.web_environment(app, settings))  # noqa: S606  our own server

    @app.cli.command("worker")
    def worker() -> None:
        """Carry out jobs: the daily purge, and all that rooms leave in the queue."""
        rotations.jobs.notice_at_start(app)
        click.echo("The worker waits for jobs.", err=True)
        jobs.run_worker(current_app)
