"""Many callers, one act."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.grouping import Group


def test_each_caller_gets_its_own_result() -> None:
    group: Group[int, int] = Group(lambda items: [item * 2 for item in items])

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(group.submit, range(500)))

    assert results == [item * 2 for item in range(500)]


def test_those_who_wait_are_served_together_and_one_at_a_time() -> None:
    may_go_on = threading.Event()
    sizes: list[int] = []
    running = threading.Lock()

    def perform(items: Sequence[int]) -> Sequence[int]:
        assert running.acquire(blocking=False)
        may_go_on.wait(5)
        sizes.append(len(items))
        running.release()
        return items

    group = Group(perform)
    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(group.submit, item) for item in range(9)]
        while len(group._waiting) < 8:
            pass
        may_go_on.set()
        assert [one.result() for one in waiting] == list(range(9))

    assert sizes == [1, 8]


def test_a_group_is_no_larger_than_it_may_be() -> None:
    may_go_on = threading.Event()
    sizes: list[int] = []

    def perform(items: Sequence[int]) -> Sequence[int]:
        may_go_on.wait(5)
        sizes.append(len(items))
        return items

    group = Group(perform, at_most=3)
    with ThreadPoolExecutor(7) as pool:
        waiting = [pool.submit(group.submit, item) for item in range(7)]
        while len(group._waiting) < 6:
            pass
        may_go_on.set()
        [one.result() for one in waiting]

    assert sizes == [1, 3, 3]


def test_an_error_reaches_every_caller_and_the_next_is_served() -> None:
    def perform(items: Sequence[int]) -> Sequence[int]:
        if 13 in items:
            raise ValueError("thirteen")
        return items

    group = Group(perform)

    with pytest.raises(ValueError, match="thirteen"):
        group.submit(13)
    assert group.submit(1) == 1
