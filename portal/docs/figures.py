"""Every figure that the guides state, by name, read from the constant that the software itself goes by.

A guide writes `{{ free_checks_a_month }}`, so that it cannot say anything else than what holds.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache

import msgspec

from api import vocabulary
from api.bundles.services import HOLDS_FOR
from api.checks import distinct_values
from api.content.pii_kinds import KINDS
from api.content.token_room import CODES
from api.decisions.reconciliation import LATEST
from api.keys.services import DEFAULT_OVERLAP
from api.limits.window import SANDBOX_LIMIT
from api.policies import bounds, contribution, fixes, policy_tests, rules
from api.policies.document import POLICY_KEYS, PolicyDocument
from api.policies.truth_map.table import MOST_CELLS, MOST_VARIED
from api.recording.idempotency import KEPT_HOURS
from api.usage.refusals import REFUSALS_KEPT
from api.v1.check_calls import MAX_BATCH_BYTES, MAX_CHECK_BYTES
from api.vocabulary import MAX_BATCH
from billing.plans import KEYS_AT_FULL_RATE, PLANS, SANDBOX, Limits
from core.serving.requests import GRACE_S, SLOWEST_BYTES_PER_S
from core.settings import Settings
from legal_docs.figures import FIGURES as PROMISED

_HOUR = timedelta(hours=1)

Source = Callable[[], dict[str, object]]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _of_promises() -> dict[str, object]:
    return {name.lower(): value for name, value in PROMISED.items()}


def _of_plans() -> dict[str, object]:
    found: dict[str, object] = {}
    for code, plan in PLANS.items():
        found |= {f"{code}_{field}": getattr(plan, field) for field in ("name", "price", "beyond")}
        found[f"{code}_rate_per_organization"] = plan.limits.rate_per_organization
        for field in Limits.__struct_fields__:
            limit = getattr(plan.limits, field)
            found[f"{code}_{field}"] = "no limit" if limit is None else limit
    return found


def _of_bundles() -> dict[str, object]:
    return {"bundle_hours": HOLDS_FOR // _HOUR}


def _of_policies() -> dict[str, object]:
    """The defaults, as JSON writes them; lists are left to the reference."""
    defaults = {key: getattr(PolicyDocument(), key) for key in POLICY_KEYS}
    return {
        f"default_{key}": msgspec.json.encode(value).decode() if isinstance(value, bool) else value
        for key, value in defaults.items()
        if isinstance(value, int)
    }


def _of_the_api() -> dict[str, object]:
    return {
        "body_grace_seconds": int(GRACE_S),
        "idempotency_hours": KEPT_HOURS,
        "refusal_count_days": REFUSALS_KEPT.days,
        "reconciled_days": LATEST.days,
        "slowest_kb_a_second": SLOWEST_BYTES_PER_S // 1_024,
        "sandbox_rate": SANDBOX_LIMIT,
        "sandbox_rate_per_organization": SANDBOX.rate_per_organization,
        "keys_at_full_rate": KEYS_AT_FULL_RATE,
        "checks_under_way": Settings().checks_at_once,
        "most_checks_at_once": MAX_BATCH,
        "most_check_bytes": MAX_CHECK_BYTES,
        "most_batch_bytes": MAX_BATCH_BYTES,
        "most_facts": vocabulary.MAX_FACTS,
        "most_token_characters": vocabulary.MAX_TOKEN_LENGTH,
        "most_tokens": vocabulary.MAX_TOKENS,
        "notice_at_values": distinct_values.NOTICE_AT,
        "most_values": distinct_values.MOST_VALUES,
        "most_words": CODES.words - 1,
        "pii_kinds": ", ".join(f"`{kind}`" for kind in KINDS),
        "highest_score": contribution.HIGHEST_SCORE,
        "rule_points": {field.name: field.default for field in msgspec.structs.fields(rules.Rule)}["points"],
        "rule_percent": {field.name: field.default for field in msgspec.structs.fields(rules.Rule)}["percent"],
        "most_rules": rules.MAX_RULES,
        "most_tests": policy_tests.MAX_TESTS,
        "map_facts": MOST_VARIED,
        "map_cells": MOST_CELLS,
        "most_evaluations": fixes.MOST_EVALUATIONS,
        "most_rule_characters": bounds.MAX_RULE_CHARACTERS,
        "most_policy_characters": bounds.MAX_POLICY_CHARACTERS,
        "most_list_entries": bounds.MAX_LIST_ENTRIES,
        "most_nesting": bounds.MAX_NESTING,
        "most_conditions": rules.MAX_CONDITIONS,
        "usual_overlap_hours": DEFAULT_OVERLAP // _HOUR,
    }


def _of_the_clients() -> dict[str, object]:
    """Of our packages, which are released for themselves; a test compares these with their source."""
    return {"client_node": "20.16", "client_connect_ms": 2_000, "client_total_ms": 3_000, "client_kept": 10_000}


_SOURCES: list[Source] = [_of_promises, _of_plans, _of_bundles, _of_policies, _of_the_api, _of_the_clients]


def stated(source: Source) -> Source:
    """Adds figures of a part that the guides do not know."""
    _SOURCES.append(source)
    return source


@cache
def figures() -> Mapping[str, str]:
    """All of them; for whoever asks once every part is loaded."""
    return {name: _shown(value) for source in _SOURCES for name, value in source().items()}
