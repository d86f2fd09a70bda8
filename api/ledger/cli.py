"""Commands: verify decision logs, export the evidence, make a key for signing."""

import json
import sys
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from api.ledger import evidence, verification
from api.ledger.models import LogChain
from core import accounts
from core.db import acting_as_system, db
from core.errors import AppError
from core.signing_keys import new_key

heads_commands = AppGroup("heads", help="Verify that decision logs were not changed.")


@heads_commands.command("verify")
@click.option(
    "--organization", "slug", metavar="SLUG", help="Slug of the organization. All of them unless it is given."
)
@click.option(
    "--head",
    "kept_head",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with a head that you downloaded from the portal earlier.",
)
def verify(slug: str | None, kept_head: Path | None) -> None:
    """Verify every signed head and every decision. Exits with 1 if an entry was changed."""
    if kept_head is not None and slug is None:
        raise click.UsageError("A downloaded head belongs to one organization: add --organization.")
    with acting_as_system():
        reports = [_verified(chain, kept_head) for chain in _chains(slug)]
        db.session.rollback()
    if not all(reports):
        sys.exit(1)


@heads_commands.command("evidence")
@click.option("--organization", "slug", required=True, metavar="SLUG", help="Slug of the organization.")
def export_evidence(slug: str) -> None:
    """Write an organization's log with its heads to standard output, for verify_decision_log.py."""
    with acting_as_system():
        for chain in _chains(slug):
            for line in evidence.lines(chain.organization_id, since=None):
                sys.stdout.buffer.write(line)


@heads_commands.command("key")
def key() -> None:
    """Print a new key for LOG_SIGNING_KEY."""
    click.echo(new_key())


def _chains(slug: str | None) -> list[LogChain]:
    query = select(LogChain).order_by(LogChain.organization_id)
    if slug is not None:
        try:
            query = query.where(LogChain.organization_id == accounts.find_by_slug(slug).id)
        except AppError as refusal:
            raise click.ClickException(refusal.detail) from refusal
    return list(db.session.scalars(query))


def _verified(chain: LogChain, kept_head: Path | None) -> bool:
    report = verification.verify_all(chain, kept_head=_text_of(kept_head) if kept_head else None)
    for finding in report.findings:
        click.echo(finding.words)
    outcome = "Intact" if report.is_intact else "NOT INTACT"
    click.echo(
        f"{chain.organization_id}: {outcome}. {report.heads} heads, {report.rows} decisions, "
        f"{report.erased} erased, {report.purged} purged by retention."
    )
    return report.is_intact


def _text_of(kept_head: Path) -> str:
    try:
        return str(json.loads(kept_head.read_text())["head"])
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException("The file contains no head. Use the file downloaded from the portal.") from error
