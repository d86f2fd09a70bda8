"""Reads the settings from the environment, and refuses those on which no service may run: all faults at once."""

import os
from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args

import click
import msgspec

from core.settings import Environment, Settings
from core.settings_rules import IN_PRODUCTION, Fault, Rule, faults_of
from core.typed_text import value_of

_OFF = frozenset({"", "0", "false", "no", "off"})


class SettingsRefused(click.ClickException):
    """The environment does not describe a service that may start; the message says all that is to be changed."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        listed = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"The service does not start with these settings. Fix:\n{listed}")
        self.faults = faults


def read_settings(
    environ: Mapping[str, str] = os.environ, *, in_production: tuple[Rule, ...] = IN_PRODUCTION
) -> Settings:
    """Settings from the environment; an empty value counts as not set. Raises SettingsRefused.

    `in_production` are the rules of a part of the service that needs less than the whole.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for field in msgspec.structs.fields(Settings):
        if not environ.get(field.encode_name):
            continue
        try:
            values[field.name] = value_of(environ[field.encode_name], field.type)
        except msgspec.ValidationError as error:
            faults.append(Fault(field.encode_name, "does not fit", _remedy(field.type, error)))
    settings = Settings(**values)
    named = {fault.setting for fault in faults}
    faults += [fault for fault in faults_of(settings, in_production=in_production) if fault.setting not in named]
    faults += _debugger(settings, environ)
    if faults:
        raise SettingsRefused(tuple(faults))
    return settings


def _remedy(kind: Any, error: msgspec.ValidationError) -> str:
    """What would fit. A choice is spelt out by us, for the validation's own words repeat what was given."""
    kind = next(iter(get_args(kind)), kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"Choose one of {', '.join(member.value for member in kind)}."
    return f"{error}."


def _debugger(settings: Settings, environ: Mapping[str, str]) -> list[Fault]:
    is_on = environ.get("FLASK_DEBUG", "").lower() not in _OFF
    if settings.environment is Environment.PRODUCTION and is_on:
        return [Fault("FLASK_DEBUG", "is on, and shows internal details to anyone who sees an error", "Unset it.")]
    return []
