"""`flask preflight`: the launch board in a terminal."""

import click
from flask.cli import with_appcontext

from core import current
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.settings_rules import faults_of, warnings_of
from portal.console.launch import services
from portal.console.launch.items import BOARD_TITLES, Board
from portal.console.launch.running import run_checks
from portal.console.launch.services import Line
from portal.console.launch.verdicts import CheckContext


@click.command("preflight")
@with_appcontext
def preflight() -> None:
    """Check everything that must be ready before a launch. Exits with 1 while something is red."""
    now, settings = utc_now(), current.settings()
    with acting_as_system():
        verdicts = run_checks(CheckContext(settings, now))
        with transaction():
            services.record(verdicts, now=now)
        boards = services.board(now=now)
    for name, lines in boards.items():
        click.echo(f"\n{BOARD_TITLES[Board(name)]}")
        _print(lines)
    _print_settings()
    red = {line.item.code for lines in boards.values() for line in lines if not line.is_green}
    click.echo(f"\n{len(red)} red." if red else "\nAll green.")
    if red:
        raise SystemExit(1)


def _print(lines: list[Line]) -> None:
    group = ""
    for line in lines:
        if line.item.group != group:
            group = line.item.group
            click.echo(f"\n  {group}")
        mark = click.style("green", fg="green") if line.is_green else click.style("red  ", fg="red")
        by = f" ({line.by})" if line.by else ""
        click.echo(f"    {mark} {line.item.code} {line.item.words}: {line.seen}{by}")
        if line.to_do:
            click.echo(f"                 {line.to_do}")


def _print_settings() -> None:
    """Every fault of the settings at once, and what is only worth a look."""
    settings = current.settings()
    faults, doubts = faults_of(settings, as_production=True), warnings_of(settings)
    if faults or doubts:
        click.echo("\nSettings")
    for fault in faults:
        click.echo(f"    {click.style('red  ', fg='red')} {fault}")
    for doubt in doubts:
        click.echo(f"    {click.style('look ', fg='yellow')} {doubt}")
