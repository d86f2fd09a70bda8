"""One decision as it is written: a JSON object in a line, the same in the spool and to the database."""

from typing import Any
from uuid import UUID

import msgspec

from api.model_catalogue.derivation import Derivation
from api.policies.contribution import Contribution
from api.policies.evaluator import FactValue
from api.policies.trials import ShadowFinding


class DecisionRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fields are the columns of table `decision`. `subject` is a keyed hash in hexadecimal."""

    id: UUID
    decided_at: str
    organization_id: UUID
    api_key_id: UUID
    environment: str
    model: str
    operation: str
    metadata: dict[str, FactValue] | Any
    subject: str | None
    risk_score: int
    allowed: bool
    reason: str
    reasons: tuple[Contribution, ...]
    policy_version: int
    latency_us: int
    request_id: str
    shadow: tuple[ShadowFinding, ...] | msgspec.UnsetType | None = msgspec.UNSET
    """Left out of the line where no rule on trial had anything to say."""
    derivation: Derivation | None = None


_encoder = msgspec.json.Encoder()

COLUMNS = tuple(field.name for field in msgspec.structs.fields(DecisionRow))


def encode_row(row: DecisionRow) -> bytes:
    """A JSON object without a line break."""
    return _encoder.encode(row)
