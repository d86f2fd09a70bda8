# Made from api/model_catalogue/lookup.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""From a model's name to its entry: by the name itself, or by what gateways and clouds write around it.

A name is cut at its separators from the end until an entry is found, so that `gpt-4o-2024-08-06` is `gpt-4o` and
`gpt-4o-mini` is not. A prefix that is no known provider makes it another model. Imports no database.
"""

import re

import msgspec

from ai_governance.engine.api.model_catalogue.entries import Catalogue, CatalogueModel

BEDROCK = "aws.bedrock"
_NO_PLACE = frozenset({"global"})
_BEDROCK_NAME = re.compile(r"(?:(us|eu|apac|jp|au|ca|us-gov|global)\.)?([a-z0-9]+)\.(.+)")
_LAST_PART = re.compile(r"[-._:@/][^-._:@/]*$")
_WRAPPERS = ("ft:", "models/", "publishers/google/models/", "accounts/fireworks/models/")


class Found(msgspec.Struct, frozen=True):
    """What a name says: the entry, and who runs the model where, if the name tells."""

    entry: CatalogueModel | None
    host: str | None = None
    region: str | None = None


class Lookup:
    """Over one version of the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._models = {model.name: model for model in catalogue.models}
        self._providers = {
            alias: name for name, provider in catalogue.providers.items() for alias in (name, *provider.aliases)
        }

    def provider_named(self, name: str) -> str | None:
        """The catalogue's own name of a provider."""
        return self._providers.get(name.lower().replace("-", "_"))

    def find(self, name: str) -> Found:
        """By a name in its normal form."""
        *prefixes, last = _unwrapped(name).split("/")
        hosts = [self.provider_named(prefix) for prefix in prefixes]
        if not all(host or prefix in self._catalogue.publishers for host, prefix in zip(hosts, prefixes, strict=True)):
            return Found(None)
        host = hosts[0] if hosts else None
        bedrock = _BEDROCK_NAME.fullmatch(last)
        if bedrock and bedrock[2] in self._catalogue.bedrock_vendors and host in {None, BEDROCK}:
            return Found(self._entry(bedrock[3]), BEDROCK, None if bedrock[1] in _NO_PLACE else bedrock[1])
        entry = self._entry(last)
        if entry and entry.open_weights and prefixes[:1] and prefixes[0] in self._catalogue.publishers:
            host = None
        return Found(entry, host)

    def _entry(self, base: str) -> CatalogueModel | None:
        while base:
            if base in self._models:
                return self._models[base]
            shorter = _LAST_PART.sub("", base)
            if shorter == base:
                return None
            base = shorter
        return None


def _unwrapped(name: str) -> str:
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
    return name
