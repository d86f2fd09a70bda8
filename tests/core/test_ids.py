"""Identifiers: version 7 UUIDs, unlike each other, also after a fork."""

import multiprocessing
from uuid import UUID

import pytest

from core.ids import new_request_id, new_uuid, parse_public_id, public_id, time_of


def test_a_uuid_has_its_version_variant_and_time() -> None:
    identifier = new_uuid(at_ms=1_795_000_000_123)

    assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
    assert time_of(identifier).isoformat() == "2026-11-18T11:06:40.123000+00:00"


def test_ids_made_at_the_same_moment_differ() -> None:
    assert len({new_uuid(at_ms=1) for _ in range(10_000)}) == 10_000
    assert len({new_request_id() for _ in range(10_000)}) == 10_000


def make_ids(count: int) -> list[UUID]:
    return [new_uuid(at_ms=1) for _ in range(count)]


@pytest.mark.slow
def test_processes_do_not_repeat_each_other() -> None:
    new_uuid()
    with multiprocessing.get_context("forkserver").Pool(2) as pool:
        made = pool.map(make_ids, [500, 500])

    assert len(set(made[0]) | set(made[1])) == 1_000


@pytest.mark.parametrize("text", ["", "dec_", "dec_x", "key_" + "0" * 32, "dec_" + "0" * 32, "dec_" + "f" * 32])
def test_what_is_no_id_is_none(text: str) -> None:
    assert parse_public_id("dec", text) is None


def test_a_shown_id_leads_back() -> None:
    identifier = new_uuid()

    assert parse_public_id("dec", public_id("dec", identifier)) == identifier
