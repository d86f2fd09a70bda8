"""Rules of a customer's own, as they are written; `compiled_rules` compiles them. Imports no database and no engine."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from api.vocabulary import RULE_CODE
from core.patterns import ONE_LINE

MAX_RULES = 1_000
MAX_CONDITIONS = 10


class OnMissing(StrEnum):
    BLOCK = "block"
    SKIP = "skip"


class OnError(StrEnum):
    """What a rule does of which a condition can't be evaluated."""

    BLOCK = "block"
    ADD_RISK = "add_risk"
    SKIP = "skip"


class RuleEffect(StrEnum):
    BLOCK = "block"
    ADD_RISK = "add_risk"


class RuleState(StrEnum):
    """How far a rule has come: `shadow` is judged and recorded without effect, `percent` has effect on a share."""

    OFF = "off"
    SHADOW = "shadow"
    PERCENT = "percent"
    ENFORCED = "enforced"


ON_TRIAL = frozenset({RuleState.SHADOW, RuleState.PERCENT})

Condition = Annotated[str, Meta(min_length=1, max_length=500)]
Conditions = Annotated[tuple[Condition, ...], Meta(max_length=MAX_CONDITIONS)]


class When(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """True if every condition of `all`, at least one of `any` and none of `none` is true."""

    all: Conditions = ()
    any: Conditions = ()
    none: Conditions = ()

    @property
    def conditions(self) -> tuple[str, ...]:
        return (*self.all, *self.any, *self.none)


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(pattern=RULE_CODE, description="Shown as the reason's code.")]
    when: When
    message: Annotated[str, Meta(min_length=1, max_length=300, pattern=ONE_LINE)]
    effect: RuleEffect = RuleEffect.BLOCK
    points: Annotated[int, Meta(ge=0, le=100)] = 50
    on_missing: OnMissing = msgspec.field(default_factory=lambda: OnMissing.BLOCK)
    """Of a rule that says nothing, as older ones do. Always written out, so that nobody has to know."""
    on_error: OnError | None = None
    """Of a condition that can't be evaluated; None is as `on_missing` says."""
    fix: Annotated[str, Meta(max_length=300, pattern=ONE_LINE)] = ""
    state: RuleState = RuleState.ENFORCED
    percent: Annotated[int, Meta(ge=1, le=99)] = 10
    """Of the subjects or keys, while the state is `percent`."""

    @property
    def is_on_trial(self) -> bool:
        return self.state in ON_TRIAL
