"""Draws up texts from the sources: Markdown with the figures, our own facts and the register filled in.

Values are escaped, so that no name or address can become markup. A value that a source asks for and nobody gave is an
error, never a gap.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from legal_docs.documents.kinds import Kind
from legal_docs.documents.provider import Provider
from legal_docs.documents.service_types import ServiceType
from legal_docs.figures import FIGURES

SOURCES = Path(__file__).parent / "sources"
NOBODY = "Nobody"
"""Who reviewed the versions of a local trial."""
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&#]")


class Review(msgspec.Struct, frozen=True):
    """What a lawyer said of a version before it was published."""

    reviewer: str
    on: date
    note: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the texts state of a sub-processor."""

    name: str
    entity: str
    address: str
    country: str
    """Of the company, ISO 3166-1, two letters."""
    contact: str
    purpose: str
    data_categories: str
    location: str
    first_mechanism: str = ""
    """What a transfer outside the EEA rests on; empty if there is none."""
    second_mechanism: str = ""
    certificates: str = ""
    """Held by that company, never by us."""
    service_type: ServiceType = ServiceType.OTHER
    """What it does for us; the texts state its purpose instead."""


class SeenMeasure(msgspec.Struct, frozen=True):
    """A technical measure, and what was seen of it in the running service."""

    name: str
    seen: str


class Verbatim(str):
    """A value that goes into the text as it stands."""

    __slots__ = ()


def draft(
    kind: Kind,
    *,
    number: str,
    provider: Provider,
    register: Sequence[Entry],
    review: Review,
    published_at: datetime,
    effective_at: datetime,
    measures: Mapping[str, SeenMeasure],
) -> str:
    """The Markdown of a document as it would be published. `measures` of Annex III, by their codes."""
    return fill(
        kind.value,
        number=number,
        provider=provider,
        register=register,
        review=review,
        published_at=published_at,
        effective_at=effective_at,
        measures=measures,
    )


def register_part(register: Sequence[Entry]) -> str:
    """What every document says of the companies in use; a published text that lacks it is out of date."""
    return fill("_register", register=register).strip()


def fill(source: str, **facts: Any) -> str:
    """A source with the figures and `facts` filled in; lines end with \\n, and it ends with one."""
    text = _SOURCES.get_template(f"{source}.md.j2").render(figures=FIGURES, **facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _finalize(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Verbatim):
        return _MARKUP.sub(r"\\\g<0>", " ".join(value.split()))
    return value


def _show_date(moment: date) -> Verbatim:
    return Verbatim(f"{moment.day} {moment:%B %Y}")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(SOURCES),
        autoescape=False,  # noqa: S701  this is Markdown; `finalize` escapes for it
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"date": _show_date, "verbatim": Verbatim}
    return environment


_SOURCES = _environment()
