"""The catalogue as data: providers, models, and what an organization says of models itself.

A published version is never changed, since decisions were made by it: a correction is a new version. Imports no
database.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from api.vocabulary import MODEL_PATTERN, TOKEN

_VERSIONS = Path(__file__).with_name("versions")

ShortName = Annotated[str, Meta(pattern=TOKEN, max_length=64)]


class CatalogueVersion(StrEnum):
    OFF = ""
    NOVEMBER_2026 = "2026-11"


LATEST = CatalogueVersion.NOVEMBER_2026


class Modality(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    SPEECH = "speech"
    EMBEDDING = "embedding"


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who runs models for others; named as OpenTelemetry's gen_ai.provider.name does where it has a name."""

    label: str
    aliases: tuple[str, ...] = ()


class CatalogueModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stands for its name and for whatever follows it after a separator, unless a longer name is listed."""

    name: str
    family: str
    provider: str
    hosts: tuple[str, ...] = ()
    """Others that offer it."""
    open_weights: bool = False
    """Anybody may run it, so its name alone says neither who does nor where."""
    modality: tuple[Modality, ...] = (Modality.TEXT,)
    deprecated: str | None = None
    """The day from which its provider no longer offers it."""


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: CatalogueVersion
    providers: Mapping[str, Provider]
    publishers: frozenset[str]
    """Of open weights: `meta-llama/…` says who made a model, not who runs it."""
    bedrock_vendors: frozenset[str]
    """As in `eu.anthropic.claude-…`."""
    models: tuple[CatalogueModel, ...]


class OwnModel(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an organization says of models; it goes before the catalogue, which says the rest."""

    model: Annotated[
        str,
        Meta(
            pattern=MODEL_PATTERN, description="A model, or the beginning of names followed by *.", examples=["own-*"]
        ),
    ]
    is_external: Annotated[bool | None, Meta(description="Whether it runs outside your own systems.")] = None
    provider: Annotated[ShortName | None, Meta(description="Who runs it, such as aws.bedrock.")] = None
    family: Annotated[ShortName | None, Meta(description="The family it belongs to, such as gpt-4o.")] = None
    region: Annotated[ShortName | None, Meta(description="Where it runs, such as eu.")] = None


@lru_cache(maxsize=len(CatalogueVersion))
def catalogue_of(version: CatalogueVersion) -> Catalogue:
    """Of a version other than OFF."""
    return msgspec.json.decode((_VERSIONS / f"{version}.json").read_bytes(), type=Catalogue)
