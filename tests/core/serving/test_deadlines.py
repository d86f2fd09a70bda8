"""A wait that takes too long ends, and nobody else's does."""

import asyncio

import pytest

from core.serving.deadlines import LOOK_EVERY_S, within


def test_a_wait_that_takes_longer_ends_and_one_beside_it_goes_on() -> None:
    async def wait(seconds: float) -> str:
        with within(seconds):
            await asyncio.sleep(3 * LOOK_EVERY_S)
        return "done"

    async def both() -> tuple[str | BaseException, str | BaseException]:
        return await asyncio.gather(wait(0), wait(60), return_exceptions=True)

    late, fine = asyncio.run(both())
    assert isinstance(late, TimeoutError)
    assert fine == "done"


def test_what_is_done_in_time_is_not_ended_later() -> None:
    async def twice() -> str:
        with within(LOOK_EVERY_S / 2):
            await asyncio.sleep(0)
        await asyncio.sleep(2 * LOOK_EVERY_S)
        return "done"

    assert asyncio.run(twice()) == "done"


def test_an_error_of_the_wait_is_told_as_it_is() -> None:
    async def fail() -> None:
        with within(60):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(fail())


def test_who_is_told_to_stop_by_somebody_else_stops() -> None:
    async def stopped() -> None:
        async def wait() -> None:
            with within(60):
                await asyncio.sleep(60)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())
