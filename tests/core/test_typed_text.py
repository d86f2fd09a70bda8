"""Text from an address or a setting as a typed value: read strictly, or refused."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from api.keys.token import KeyEnvironment
from core.errors import InvalidRequest
from core.typed_text import struct_of, value_of

Time = Annotated[datetime, Meta(tz=True)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("true", bool, True),
        ("false", bool | None, False),
        ("0", int, 0),
        ("-3", int, -3),
        ("20", Annotated[int, Meta(ge=1, le=100)], 20),
        ("1.5", float, 1.5),
        ("2", float, 2.0),
        ("null", str | None, "null"),
        ("1e1", str, "1e1"),
        ("live", KeyEnvironment | None, KeyEnvironment.LIVE),
        ("2026-11-28T10:00:00Z", Time, datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("2026-11-28T12:00:00.5+02:00", Time | None, datetime(2026, 11, 28, 10, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_text_in_the_one_form_of_its_type_is_read(text: str, kind: Any, value: Any) -> None:
    assert value_of(text, kind) == value


@pytest.mark.parametrize("text", ["null", "1", "0", "TRUE", "True", "yes", "on", "", " true"])
def test_only_true_and_false_are_truth_values(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        value_of(text, bool | None)


@pytest.mark.parametrize(
    "text", ["1e1", "1.0", "1_0", "0x10", "+5", "010", " 5", "5\n", "１０", "", "null", "true", "9" * 5000]
)
def test_only_whole_decimal_numbers_are_integers(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        value_of(text, int | None)


@pytest.mark.parametrize(
    "text",
    [
        "2026",
        "20261128",
        "1764324000",
        "2026-11-28",
        "2026-11-28T10:00Z",
        "2026-11-28T10:00:00",
        "2026-11-28T10:00:00 02:00",
        "2026-11-28T10:00:00+0200",
        "2026-11-28T10:00:00+02",
        "2026-11-28 10:00:00Z",
        "2026-W48-6T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-28T25:00:00Z",
        "2026-11-28T10:00:00Z\n",
        "null",
        "",
    ],
)
def test_only_rfc_3339_is_a_time(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        value_of(text, Time | None)


class Filter(msgspec.Struct, rename={"since": "from"}):
    since: Time | None = None
    limit: Annotated[int, Meta(ge=1)] = 20


def test_every_field_at_fault_is_named() -> None:
    with pytest.raises(InvalidRequest) as refused:
        struct_of({"from": "2026", "limit": "0"}, Filter)

    assert [fault.path for fault in refused.value.errors] == ["from", "limit"]


def test_a_field_is_known_by_the_name_it_is_sent_under() -> None:
    found = struct_of({"from": "2026-11-28T10:00:00Z"}, Filter)

    assert (found.since, found.limit) == (datetime(2026, 11, 28, 10, tzinfo=UTC), 20)
