"""What clients do while the service can't be reached, as the policies declare it. Imports no database."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from api.vocabulary import KNOWN_OPERATION_NAME, normal_operation

MAX_FAIL_MODES = 100


class Unreachable(StrEnum):
    BLOCK = "block"
    ALLOW_AND_REPORT = "allow_and_report"


class OnUnreachable(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """For some operations, or for all that no other entry names."""

    mode: Annotated[Unreachable, Meta(description="block, or allow_and_report to allow and report the decision later.")]
    operations: Annotated[
        tuple[Annotated[str, Meta(pattern=KNOWN_OPERATION_NAME)], ...],
        Meta(max_length=200, description="These operations. Empty: all others."),
    ] = ()


class FailModes(msgspec.Struct, frozen=True):
    """The same, made ready for looking an operation up."""

    by_operation: Mapping[str, Unreachable]
    others: Unreachable | None

    def of(self, operation: str) -> Unreachable | None:
        """None where nothing is declared for it."""
        return self.by_operation.get(normal_operation(operation), self.others)


def fail_modes_of(declared: Iterable[OnUnreachable]) -> FailModes | None:
    """None where nothing is declared at all."""
    by_operation = {normal_operation(name): one.mode for one in declared for name in one.operations}
    others = [one.mode for one in declared if not one.operations]
    return FailModes(by_operation, others[0] if others else None) if by_operation or others else None
