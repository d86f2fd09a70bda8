"""Commands for operators: what is missing before a text can be published, publishing, and the register."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import click
import msgspec
from flask.cli import AppGroup

from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.environment import read_settings
from core.errors import AppError
from legal_docs import jobs
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import Entry, Review, draft, register_part
from legal_docs.documents.kinds import TITLES, Kind
from legal_docs.documents.provider import missing_settings, provider_from, trial_provider
from legal_docs.documents.service_types import ServiceType
from legal_docs.figures import CHANGE_NOTICE_DAYS, SUB_PROCESSOR_NOTICE_DAYS
from legal_docs.measures import services as measures
from legal_docs.publishing import announce, publish
from legal_docs.register import services as registers
from legal_docs.register.changes import ChangeKind
from legal_docs.register.completeness import gaps_of, services_in_use

legal_commands = AppGroup("legal", help="Manage legal documents and the sub-processor register.")

Shape = TypeVar("Shape")

_DAY = click.DateTime(["%Y-%m-%d"])


@contextmanager
def _refusals_shown() -> Iterator[None]:
    try:
        yield
    except AppError as refusal:
        faults = "".join(f"\n  {fault.path}: {fault.detail}" for fault in refusal.errors)
        raise click.ClickException(refusal.detail + faults) from refusal


@legal_commands.command("check")
def check() -> None:
    """Report missing settings, whether each document can be generated, and what is published. Fails if not ready."""
    settings, now = read_settings(), utc_now()
    missing = missing_settings(settings)
    for name in missing:
        click.echo(f"missing setting   {name}")
    review = Review(reviewer="not yet", on=now.date(), note="A draft.")
    with _refusals_shown(), acting_as_system():
        provider = trial_provider(settings)
        for kind in Kind:
            text = draft(
                kind,
                number="1.0",
                provider=provider,
                register=registers.entries(),
                review=review,
                published_at=now,
                effective_at=now,
                measures=measures.for_annex(),
            )
            newest = documents.newest(kind)
            published = f"newest {newest.number}, {newest.sha256[:12]}…" if newest else "not published"
            click.echo(f"{TITLES[kind]:<28}{len(text.encode()):>7} bytes   {published}")
        in_use = registers.entries()
        click.echo(f"{'In the register':<28}{len(in_use):>7} companies")
        gaps = gaps_of(in_use, services_in_use(settings))
        for gap in gaps:
            click.echo(f"register          {gap.path}: {gap.detail}")
        for company in registers.register() if gaps else ():
            click.echo(f"listed            {company.id} {company.name}: {company.service_type}")
        page = documents.newest(Kind.SUB_PROCESSORS)
        if page is not None and register_part(in_use) not in page.markdown:
            click.echo("The published sub-processor page is older than the register. Publish a new version.")
    if missing:
        raise click.ClickException("Set the missing settings. Nothing can be published until then.")
    if gaps:
        raise click.ClickException("Complete the register. The DPA and its page can't be published until then.")


@legal_commands.command("draft")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
def show_draft(kind: str) -> None:
    """Write a document draft to standard output, for legal review."""
    now = utc_now()
    review = Review(reviewer="not yet", on=now.date(), note="A draft for review.")
    with _refusals_shown(), acting_as_system():
        text = draft(
            Kind(kind),
            number="0.0 (draft)",
            provider=trial_provider(read_settings()),
            register=registers.entries(),
            review=review,
            published_at=now,
            effective_at=now,
            measures=measures.for_annex(),
        )
    click.echo(text, nl=False)


@legal_commands.command("publish")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.argument("number")
@click.option("--major/--minor", "is_major", required=True, help="Major versions must be accepted again.")
@click.option("--summary", required=True, help="Summary of changes, included in the notice to customers.")
@click.option("--reviewed-by", required=True, help="Name of the reviewing lawyer.")
@click.option("--reviewed-on", required=True, type=_DAY, help="Date of the review.")
@click.option("--review-note", required=True, help="Review findings.")
@click.option("--effective", type=_DAY, help="The day it takes effect; by default at once, or when its notice is over.")
def publish_version(
    *,
    kind: str,
    number: str,
    is_major: bool,
    summary: str,
    reviewed_by: str,
    reviewed_on: datetime,
    review_note: str,
    effective: datetime | None,
) -> None:
    """Publish a version permanently and notify customers."""
    settings, now = read_settings(), utc_now()
    with _refusals_shown(), acting_as_system(), transaction():
        version = publish(
            Kind(kind),
            number=number,
            is_major=is_major,
            summary=summary,
            effective_at=effective.replace(tzinfo=UTC) if effective else _earliest(Kind(kind), now),
            review=Review(reviewer=reviewed_by, on=reviewed_on.date(), note=review_note),
            provider=provider_from(settings),
            settings=settings,
            by=COMMAND_LINE,
            now=now,
        )
    click.echo(f"Published {version.title} {version.number}, SHA-256 {version.sha256}.", err=True)


@legal_commands.command("measures")
def show_measures() -> None:
    """Check the technical measures of the DPA's Annex III in the running service now. Fails if one is not met."""
    jobs.look_now()
    with acting_as_system():
        found = measures.recorded()
    for measure, row in found.items():
        click.echo(f"{'ok ' if row.is_met else 'NOT'}  {measure.value:<20}{row.seen}")
    if not all(row.is_met for row in found.values()):
        raise click.ClickException("The DPA can't be published in production until every measure is met.")


@legal_commands.command("register")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load_register(file: Path) -> None:
    """Import sub-processors from a JSON file, before the first Data Processing Agreement."""
    entries = _read(file, list[Entry])
    with _refusals_shown(), acting_as_system(), transaction():
        for entry in entries:
            registers.list_first(entry, by=COMMAND_LINE, now=utc_now())
    click.echo(f"{len(entries)} companies imported.", err=True)


@legal_commands.command("classify")
@click.argument("company", type=click.UUID)
@click.argument("service", type=click.Choice([one.value for one in ServiceType]))
def classify_company(company: UUID, service: str) -> None:
    """Set which service a listed sub-processor provides. COMPANY is its ID in the register."""
    with _refusals_shown(), acting_as_system(), transaction():
        found = registers.classify(company, ServiceType(service), by=COMMAND_LINE, now=utc_now())
        click.echo(f"{found.name}: {service}", err=True)


@legal_commands.command("announce")
@click.argument("kind", type=click.Choice([kind.value for kind in ChangeKind]))
@click.option("--reason", required=True)
@click.option(
    "--entry",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with the new company.",
)
@click.option("--replaces", type=click.UUID, help="Whom it replaces, or who is removed: the id in the register.")
@click.option("--effective", type=_DAY, help="By default as soon as the notice is over.")
def announce_change(
    kind: str, reason: str, file: Path | None, replaces: UUID | None, effective: datetime | None
) -> None:
    """Announce a sub-processor change to every customer."""
    now = utc_now()
    earliest = now + timedelta(days=SUB_PROCESSOR_NOTICE_DAYS)
    with _refusals_shown(), acting_as_system(), transaction():
        change = announce(
            ChangeKind(kind),
            reason=reason,
            takes_effect_at=effective.replace(tzinfo=UTC) if effective else earliest,
            entry=_read(file, Entry) if file else None,
            replaces=replaces,
            by=COMMAND_LINE,
            now=now,
        )
    click.echo(f"Announced. It takes effect on {change.takes_effect_at:%Y-%m-%d}.", err=True)


def _earliest(kind: Kind, now: datetime) -> datetime:
    return now if documents.newest(kind) is None else now + timedelta(days=CHANGE_NOTICE_DAYS)


def _read(file: Path, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(file.read_bytes(), type=shape)
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from error
