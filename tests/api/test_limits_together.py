"""Those who are counted at the same moment get what they would have got one after the other."""

from random import Random

from api.limits.memory import MemoryLimiter
from api.limits.together import Together
from api.limits.window import Ask, Shared
from core.clock import monotonic_s


def an_ask(bucket: str, cost: int, limit: int = 10) -> Ask:
    return Ask(bucket=bucket, limit=limit, cost=cost, shared=Shared("everybody", 10_000))


def test_what_is_granted_is_shared_out_in_order() -> None:
    together = Together([an_ask("a", 2), an_ask("b", 1), an_ask("a", 3), an_ask("a", 1)])

    assert [(ask.bucket, ask.cost) for ask in together.asks] == [("a", 6), ("b", 1)]
    shares = list(together.shared_out([[4, 0, 5, 96, 7], [1, 9, 6, 95, 8]]))
    assert shares == [(2, 2, 5, 98, 7), (1, 9, 6, 95, 8), (2, 0, 5, 96, 7), (0, 0, 5, 96, 7)]


def test_another_limit_of_the_same_bucket_is_asked_for_by_itself() -> None:
    together = Together([an_ask("a", 1), an_ask("a", 1, limit=20)])

    assert len(together.asks) == 2


def test_each_gets_as_much_as_one_after_the_other() -> None:
    random = Random(5)
    for _ in range(200):
        asks = [an_ask(random.choice("abc"), random.randrange(1, 5)) for _ in range(random.randrange(1, 12))]
        alone = MemoryLimiter(now_s=monotonic_s)
        by_turns = [alone.hit([ask])[0] for ask in asks]
        together = Together(asks)
        answers = [
            (verdict.granted, verdict.own.remaining, 0, 0, 0)
            for verdict in MemoryLimiter(now_s=monotonic_s).hit(together.asks)
        ]
        shares = list(together.shared_out(answers))

        assert [share[0] for share in shares] == [verdict.granted for verdict in by_turns]
        assert [share[1] for share in shares] == [verdict.own.remaining for verdict in by_turns]
