"""Facts that follow from the model's name, beside what the caller stated.

A caller's statement is completed, and where it contradicts what is known of the model, that is noted and counts as the
organization wants. A pure function of the catalogue's version, the organization's own entries and the request: so
every past decision can be worked out again. Imports no database.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from api.model_catalogue.entries import CatalogueModel, CatalogueVersion, OwnModel, catalogue_of
from api.model_catalogue.lookup import Found, Lookup
from api.vocabulary import IS_EXTERNAL_MODEL, MODEL_FAMILY, MODEL_REGION, PROVIDER_NAME, normal_model

DERIVED_FACTS = (IS_EXTERNAL_MODEL, PROVIDER_NAME, MODEL_FAMILY, MODEL_REGION)
MOST_KEPT = 2_000
"""Models of an organization of which is kept what is known."""
_COMPARED_REGIONS = frozenset({"eu", "us"})
"""Whose names begin those of their parts: eu-central-1."""

Value = bool | int | float | str | tuple[str, ...]


class OnContradiction(StrEnum):
    CALLER = "caller"
    CATALOGUE = "catalogue"
    BLOCK = "block"


class Contradiction(msgspec.Struct, frozen=True):
    fact: Annotated[str, Meta(description="The fact.", examples=[IS_EXTERNAL_MODEL])]
    stated: Annotated[bool | str, Meta(description="What the caller stated.", examples=[False])]
    known: Annotated[bool | str, Meta(description="The value in the catalogue.", examples=[True])]


class Derivation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was added to the facts as stated, from which version of the catalogue, and what contradicts it."""

    catalogue_version: Annotated[str, Meta(description="The version of the model catalogue.", examples=["2026-11"])]
    entry: Annotated[
        str | None, Meta(description="The entry of the model; null if it is not known.", examples=["gpt-4o"])
    ] = None
    is_own: Annotated[bool, Meta(description="Whether it is an entry of your own.", examples=[False])] = False
    facts: Annotated[
        dict[str, bool | str],
        Meta(description="The facts that were derived.", examples=[{IS_EXTERNAL_MODEL: True, MODEL_FAMILY: "gpt-4o"}]),
    ] = {}
    contradictions: Annotated[
        tuple[Contradiction, ...],
        Meta(description="Facts the caller sent that contradict the catalogue.", examples=[[]]),
    ] = ()


class KnownModel(msgspec.Struct, frozen=True):
    """What is known of one model."""

    facts: Mapping[str, bool | str]
    entry: str | None
    is_own: bool
    providers: frozenset[str]
    """Those that may be stated of it; empty where any may."""
    model: CatalogueModel | None


class Completion:
    """For one policy version: its version of the catalogue and the organization's own entries."""

    def __init__(
        self,
        version: CatalogueVersion,
        own: Sequence[OwnModel],
        on_contradiction: OnContradiction,
        *,
        derived: Collection[str] = DERIVED_FACTS,
    ) -> None:
        self.on_contradiction = on_contradiction
        self._version = version
        self._lookup = lookup_in(version)
        self._exact = {normal_model(one.model): one for one in own if not one.model.endswith("*")}
        beginnings = [(normal_model(one.model[:-1]), one) for one in own if one.model.endswith("*")]
        self._beginnings = sorted(beginnings, key=lambda pair: -len(pair[0]))
        self._derived = frozenset(derived)
        self._known: dict[str, KnownModel] = {}

    def complete(self, model: str, stated: Mapping[str, Value]) -> tuple[Mapping[str, Value], Derivation]:
        """The facts to decide by, and what was derived."""
        known = self.known(model)
        facts = {name: value for name, value in known.facts.items() if name not in stated}
        contradictions = self._contradictions(known, stated) if len(facts) < len(known.facts) else ()
        decided: dict[str, Value] = {**facts, **stated}
        if contradictions and self.on_contradiction is OnContradiction.CATALOGUE:
            decided.update({one.fact: one.known for one in contradictions})
        return decided, Derivation(self._version.value, known.entry, known.is_own, facts, contradictions)

    def known(self, model: str) -> KnownModel:
        known = self._known.get(model)
        if known is None:
            known = self._look_up(normal_model(model))
            if len(self._known) < MOST_KEPT:
                self._known[model] = known
        return known

    def _look_up(self, name: str) -> KnownModel:
        own = self._exact.get(name) or next((one for start, one in self._beginnings if name.startswith(start)), None)
        found = self._lookup.find(name)
        facts = {**_facts_of(found), **(_own_facts(own) if own else {})}
        return KnownModel(
            facts={fact: value for fact, value in facts.items() if fact in self._derived},
            entry=own.model if own else found.entry.name if found.entry else found.host,
            is_own=own is not None,
            providers=self._providers_of(found, own),
            model=found.entry,
        )

    def _providers_of(self, found: Found, own: OwnModel | None) -> frozenset[str]:
        if own is not None and own.provider is not None:
            return frozenset({self._provider(own.provider)})
        if found.entry is None or found.entry.open_weights:
            return frozenset({found.host} if found.host else ())
        return frozenset({found.host or found.entry.provider, found.entry.provider, *found.entry.hosts})

    def _provider(self, name: str) -> str:
        return self._lookup.provider_named(name) or name.lower()

    def _contradictions(self, known: KnownModel, stated: Mapping[str, Value]) -> tuple[Contradiction, ...]:
        return tuple(
            Contradiction(fact, said, value)
            for fact, value in known.facts.items()
            if isinstance(said := stated.get(fact), bool | str) and self._contradicts(fact, said, value, known)
        )

    def _contradicts(self, fact: str, said: bool | str, value: bool | str, known: KnownModel) -> bool:
        if isinstance(said, bool) or isinstance(value, bool):
            return said is not value
        said, value = said.lower(), value.lower()
        if fact == PROVIDER_NAME:
            is_listed = known.is_own or self._lookup.provider_named(said) is not None
            return is_listed and self._provider(said) not in known.providers
        if fact == MODEL_REGION:
            is_comparable = known.is_own or value in _COMPARED_REGIONS
            return is_comparable and said != value and not said.startswith(f"{value}-")
        return said != value


@lru_cache(maxsize=len(CatalogueVersion))
def lookup_in(version: CatalogueVersion) -> Lookup:
    return Lookup(catalogue_of(version))


def _facts_of(found: Found) -> dict[str, bool | str]:
    """Never that a model is internal: no name proves that."""
    facts: dict[str, bool | str] = {}
    entry = found.entry
    is_closed = entry is not None and not entry.open_weights
    if found.host or is_closed:
        facts[IS_EXTERNAL_MODEL] = True
    if found.host:
        facts[PROVIDER_NAME] = found.host
    elif entry is not None and is_closed:
        facts[PROVIDER_NAME] = entry.provider
    if entry is not None:
        facts[MODEL_FAMILY] = entry.family
    if found.region:
        facts[MODEL_REGION] = found.region
    return facts


def _own_facts(own: OwnModel) -> dict[str, bool | str]:
    stated = ((IS_EXTERNAL_MODEL, own.is_external), (PROVIDER_NAME, own.provider), (MODEL_FAMILY, own.family))
    return {fact: value for fact, value in (*stated, (MODEL_REGION, own.region)) if value is not None}
