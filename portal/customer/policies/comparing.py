"""Policies beside those that they change: in words, and by their effect on recent decisions."""

from datetime import timedelta

from api.decisions import backtest
from api.policies import services as policies
from api.policies.document import PolicyDocument, describe
from core.access import active_membership
from core.clock import utc_now
from portal.changes import changes_of

MOST_CHANGES = "30 per minute"
"""Each compiles rules and judges past decisions anew."""
EFFECT_OVER = timedelta(days=7)
_HARD_BLOCKS = ("block_personal_data", "block_external_models")


def in_force() -> PolicyDocument:
    """For the organization whose pages are open."""
    return policies.current(active_membership().organization_id)[1]


def hard_blocks_off(before: PolicyDocument, after: PolicyDocument) -> list[str]:
    """The titles of hard blocks that are turned off: whoever publishes that should read it once more."""
    return [describe(name)[0] for name in _HARD_BLOCKS if getattr(before, name) and not getattr(after, name)]


def in_words(before: PolicyDocument, after: PolicyDocument) -> list[str]:
    differences = policies.differences(before, after)
    old, new = ({key: pair[place] for key, pair in differences.items()} for place in (0, 1))
    return changes_of(old, new)


def effect_of(before: PolicyDocument, after: PolicyDocument) -> backtest.Effect:
    """Raises ConditionRefused where `before` cannot be judged by."""
    return backtest.effect_of(active_membership().organization_id, before, after, since=utc_now() - EFFECT_OVER)
