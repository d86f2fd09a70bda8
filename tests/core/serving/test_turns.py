"""Whoever asks most does not stand before everybody else."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from core.serving import Busy, Group, Pool
from core.serving.fair_queue import FairQueue
from core.serving.pools import LOOK_EVERY_S, MOST_COMPUTING_S


def test_keys_take_turns_however_many_items_one_of_them_has() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "a3", "b1", "c1", "c2"):
        queue.push(item[0], item)

    assert [queue.pop() for _ in range(7)] == ["a1", "b1", "c1", "a2", "c2", "a3", None]
    assert len(queue) == 0


def test_a_key_that_may_not_be_served_is_passed_over_and_keeps_its_place() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.push("a", "a1")
    queue.push("b", "b1")

    assert queue.pop(lambda key: key != "a") == "b1"
    assert queue.pop(lambda key: key != "a") is None
    assert queue.pop() == "a1"


def test_who_waits_no_longer_is_taken_out() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.push("a", "a1")
    queue.push("a", "a2")

    queue.remove("a", "a1")

    assert (len(queue), queue.pop(), queue.pop()) == (1, "a2", None)


def test_one_key_never_has_all_places() -> None:
    gate = threading.Event()
    seen: list[str] = []

    async def scene() -> None:
        pool = Pool("test", 4, per_key=2)
        greedy = [asyncio.create_task(pool.run("greedy", gate.wait, 5)) for _ in range(10)]
        await asyncio.sleep(0.01)
        await pool.run("modest", seen.append, "modest")
        gate.set()
        await asyncio.gather(*greedy)

    asyncio.run(scene())

    assert seen == ["modest"]


def test_few_compute_at_once_and_those_who_wait_for_something_keep_nobody_from_starting() -> None:
    gate = threading.Event()
    begun: list[int] = []

    def act(number: int) -> None:
        begun.append(number)
        gate.wait(5)

    async def scene() -> tuple[int, int]:
        pool = Pool("test", 8, computing=2)
        tasks = [asyncio.create_task(pool.run(number, act, number)) for number in range(8)]
        await asyncio.sleep(LOOK_EVERY_S / 2)
        at_first = len(begun)
        await asyncio.sleep(LOOK_EVERY_S * 10)
        in_the_end = len(begun)
        gate.set()
        await asyncio.gather(*tasks)
        return at_first, in_the_end

    assert asyncio.run(scene()) == (2, 8)


def test_those_who_go_on_computing_keep_the_others_from_starting_but_not_for_long() -> None:
    begun: list[int] = []
    is_over = threading.Event()

    def act(number: int) -> None:
        begun.append(number)
        while not is_over.is_set():
            sum(range(1_000))

    async def scene() -> tuple[int, int]:
        pool = Pool("test", 4, computing=1)
        tasks = [asyncio.create_task(pool.run(number, act, number)) for number in range(2)]
        await asyncio.sleep(4 * LOOK_EVERY_S)
        meanwhile = len(begun)
        await asyncio.sleep(2 * MOST_COMPUTING_S)
        later = len(begun)
        is_over.set()
        await asyncio.gather(*tasks)
        return meanwhile, later

    assert asyncio.run(scene()) == (1, 2)


def test_whoever_is_done_lets_the_next_start_at_once() -> None:
    async def scene() -> list[int]:
        pool = Pool("test", 8, computing=1)
        async with asyncio.timeout(LOOK_EVERY_S * 20):
            return await asyncio.gather(*(pool.run(number, abs, number) for number in range(200)))

    assert asyncio.run(scene()) == list(range(200))


def test_who_finds_no_place_in_time_is_told_so_and_the_place_is_not_lost() -> None:
    gate = threading.Event()

    async def scene() -> str:
        pool = Pool("test", 1, wait_s=0.05)
        holder = asyncio.create_task(pool.run("holder", gate.wait, 5))
        await asyncio.sleep(0.01)
        with pytest.raises(Busy):
            await pool.run("late", str)
        gate.set()
        await holder
        return await pool.run("later", lambda: "served")

    assert asyncio.run(scene()) == "served"


def test_who_leaves_while_waiting_takes_no_place_along() -> None:
    gate = threading.Event()

    async def scene() -> list[str]:
        pool = Pool("test", 1)
        holder = asyncio.create_task(pool.run("holder", gate.wait, 5))
        await asyncio.sleep(0.01)
        leaving = asyncio.create_task(pool.run("leaving", str))
        await asyncio.sleep(0.01)
        gate.set()
        leaving.cancel()
        await asyncio.gather(leaving, holder, return_exceptions=True)
        return [await pool.run("other", lambda: "served") for _ in range(3)]

    assert asyncio.run(scene()) == ["served"] * 3


def test_those_who_wait_are_served_together_and_one_group_at_a_time() -> None:
    sizes: list[int] = []

    async def scene() -> list[int]:
        gate, running = asyncio.Event(), asyncio.Lock()

        async def perform(items: Sequence[int]) -> Sequence[int]:
            assert not running.locked()
            async with running:
                await gate.wait()
            sizes.append(len(items))
            return [item * 2 for item in items]

        group: Group[int, int] = Group(perform, at_most=8)
        first = asyncio.create_task(group.submit("a", 0))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(group.submit("a", item)) for item in range(1, 11)]
        await asyncio.sleep(0.01)
        gate.set()
        return list(await asyncio.gather(first, *others))

    assert asyncio.run(scene()) == [item * 2 for item in range(11)]
    assert sizes == [1, 8, 2]


def test_what_an_act_raises_everybody_in_it_hears_and_the_next_goes_on() -> None:
    async def perform(items: Sequence[int]) -> Sequence[int]:
        if 0 in items:
            raise OSError("no disk")
        return items

    async def scene() -> int:
        group: Group[int, int] = Group(perform)
        results = await asyncio.gather(group.submit("a", 0), group.submit("b", 1), return_exceptions=True)
        assert [type(result) for result in results] == [OSError, OSError]
        return await group.submit("a", 2)

    assert asyncio.run(scene()) == 2


def test_a_caller_who_left_does_not_hold_up_its_group() -> None:
    async def scene() -> int:
        gate = asyncio.Event()

        async def perform(items: Sequence[int]) -> Sequence[int]:
            await gate.wait()
            return items

        group: Group[int, int] = Group(perform)
        leaving = asyncio.create_task(group.submit("a", 1))
        staying = asyncio.create_task(group.submit("a", 2))
        await asyncio.sleep(0.01)
        leaving.cancel()
        gate.set()
        return await staying

    assert asyncio.run(scene()) == 2
