"""Commands: compare the analytical store with PostgreSQL, fill it anew, forget it."""

import sys

import click
from flask.cli import AppGroup

from api.analytics import checking, clickhouse, feeding
from api.analytics.checking import Report
from api.analytics.store import Store, StoreAway
from core import current
from core.clock import utc_now
from core.db import acting_as_system, db, transaction

analytics_commands = AppGroup("analytics", help="The analytical store, a copy of the decision log in ClickHouse.")

_MOST_SHOWN = 20


@analytics_commands.command("check")
def check() -> None:
    """Count decisions by organization and day in both. Ends with 1 if they differ, or an erasure is overdue."""
    try:
        with acting_as_system():
            report = checking.check(_store(), now=utc_now())
            db.session.rollback()
    except StoreAway as error:
        raise click.ClickException(f"ClickHouse does not respond: {error}") from error
    if report is None:
        raise click.ClickException("The store is empty. The worker fills it every minute: check that it is running.")
    for line in _lines_of(report):
        click.echo(line)
    if not report.is_fine:
        sys.exit(1)


@analytics_commands.command("rebuild")
def rebuild() -> None:
    """Have the worker fill the store from the beginning, in a new table; the old one is dropped."""
    _store()
    with acting_as_system(), transaction():
        is_there = feeding.begin_again(now=utc_now())
    if not is_there:
        raise click.ClickException("The store is empty. The worker fills it every minute: check that it is running.")
    click.echo("The worker fills a new table from now on. Until it is complete, PostgreSQL answers.")


@analytics_commands.command("forget")
def forget() -> None:
    """Give the store up: nothing is fed or erased there any more. Its data has to be gone before."""
    if current.settings().clickhouse_url is not None:
        raise click.ClickException("Unset CLICKHOUSE_URL first, for the worker too.")
    click.confirm("Have you dropped the database in ClickHouse? Erasures no longer reach it.", abort=True)
    with acting_as_system(), transaction():
        feeding.forget()
    click.echo("Forgotten.")


def _store() -> Store:
    url = current.settings().clickhouse_url
    if url is None:
        raise click.ClickException("CLICKHOUSE_URL is not set.")
    return clickhouse.for_writing(url)


def _lines_of(report: Report) -> list[str]:
    different = [
        f"{one.organization_id} {one.day}: {one.in_postgresql} in PostgreSQL, {one.in_store} in ClickHouse"
        for one in report.differences
    ]
    more = [f"... and {len(different) - _MOST_SHOWN} more"] if len(different) > _MOST_SHOWN else []
    advice = ["Different: run flask analytics rebuild."] if different else []
    behind = "not complete yet" if report.behind is None else f"{int(report.behind.total_seconds())} s behind"
    return [
        f"{report.decisions} decisions, {len(different)} differences, {behind}",
        f"{report.erasures_waiting} erasures pending, {report.erasures_overdue} overdue",
        *different[:_MOST_SHOWN],
        *more,
        *advice,
    ]
