"""The base's decisions: decided by the evaluator, written by COPY as the recorder writes them."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from uuid import UUID

import msgspec
from psycopg import sql

from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, CompiledPolicy, FactValue, evaluate
from api.recording.row import COLUMNS
from core.ids import new_uuid
from tests.bench import question
from tests.bench.base.sizes import Sizes
from tests.bench.database import Database

_MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "mistral-large", "llama-3.3-70b", "text-embedding-3-large")
_OPERATIONS = ("chat", "summarization", "embeddings", "classification")
_DEPARTMENTS = ("support", "sales", "legal", "finance", "research", "people", "operations", "marketing")
_APPLICATIONS = tuple(f"app-{number}" for number in range(20))
_KINDS = 2_000
_WRITTEN = COLUMNS[: COLUMNS.index("request_id") + 1]
"""What follows is left out of the line of most decisions."""
_SUBJECTS = 20_000

Keys = dict[UUID, list[tuple[UUID, str]]]


def add_decisions(database: Database, organization_ids: list[UUID], keys: Keys, sizes: Sizes, *, now: datetime) -> None:
    """Oldest first, even over the days, until now."""
    for days in range(sizes.days + 2):
        database.run("SELECT ensure_decision_partition(%s)", [(now - timedelta(days=days)).date()])
    copy = sql.SQL("COPY decision ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, _WRITTEN)))
    with database.connection.cursor() as cursor, cursor.copy(copy) as into:
        for line in _lines(organization_ids, keys, sizes, now=now):
            into.write(line)
    database.run("VACUUM (ANALYZE) decision")


def _lines(organization_ids: list[UUID], keys: Keys, sizes: Sizes, *, now: datetime) -> Iterator[str]:
    random = Random(11)
    kinds = _kinds(random)
    subjects = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(_SUBJECTS)]
    total, large = sizes.decisions + sizes.decisions_of_others, organization_ids[0]
    others = organization_ids[1 : sizes.others + 1]
    first_ms = int((now - timedelta(days=sizes.days)).timestamp() * 1000)
    step_ms = (now.timestamp() * 1000 - first_ms) / total
    for number in range(total):
        at_ms = int(first_ms + number * step_ms)
        organization_id = large if random.random() * total < sizes.decisions or not others else random.choice(others)
        key_id, environment = random.choice(keys[organization_id])
        head, tail = kinds[int(random.random() ** 2 * _KINDS)]
        subject = f"\\\\x{random.choice(subjects)}" if random.random() < 0.3 else "\\N"
        moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(timespec="milliseconds")
        yield (
            f"{new_uuid(at_ms=at_ms)}\t{moment}\t{organization_id}\t{key_id}\t{environment}\t{head}\t{subject}\t"
            f"{tail}\t{random.randrange(150, 4_000)}\treq_{random.getrandbits(96):024x}\n"
        )


def _kinds(random: Random) -> list[tuple[str, str]]:
    """What stands before and after the subject, for so many different questions."""
    rules = msgspec.convert({"rules": question.our_rules(10)}, PolicyDocument)
    policy = compile_policy(UUID(int=0), 2, rules)
    facts = [question.FACTS, *question.tripping(), {**question.FACTS, "contains_personal_data": True}]
    combined = random.sample(list(product(_MODELS, _OPERATIONS, _DEPARTMENTS, _APPLICATIONS)), _KINDS)
    return [
        _kind(policy, CheckFacts(model, operation, _metadata(facts[0 if index % 3 else index % len(facts)], *where)))
        for index, (model, operation, *where) in enumerate(combined)
    ]


def _metadata(facts: question.Facts, department: str, application: str) -> dict[str, FactValue]:
    plain: dict[str, FactValue] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    return {**plain, "department": department, "application": application}


def _kind(policy: CompiledPolicy, facts: CheckFacts) -> tuple[str, str]:
    outcome = evaluate(policy, facts)
    metadata, reasons = (_escaped(msgspec.json.encode(value)) for value in (facts.metadata, outcome.reasons))
    head = f"{facts.model}\t{facts.operation}\t{metadata}"
    return head, f"{outcome.risk_score}\t{outcome.allowed}\t{outcome.reason}\t{reasons}\t2"


def _escaped(document: bytes) -> str:
    return document.decode().replace("\\", "\\\\")
