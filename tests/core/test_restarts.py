"""Starting again what ended by itself."""

from core.restarts import Restarts


def test_pauses_grow_while_a_part_ends_soon_and_then_it_is_given_up() -> None:
    restarts, now_s, pauses = Restarts(), 0.0, []
    while not restarts.is_hopeless("worker"):
        pauses.append(restarts.pause_s("worker", now_s=now_s))
        now_s += pauses[-1] + 1

    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_where_others_serve_meanwhile_the_pauses_are_shorter_and_go_on_for_ever() -> None:
    restarts, now_s, pauses = Restarts(first_pause_s=0.1, longest_pause_s=5), 0.0, []
    for _ in range(2_000):
        pauses.append(restarts.pause_s(1, now_s=now_s))
        now_s += pauses[-1] + 1

    assert pauses[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5]
    assert set(pauses[7:]) == {5}


def test_a_part_that_lived_for_long_is_started_again_at_once() -> None:
    restarts = Restarts()

    pauses = [restarts.pause_s("web", now_s=number * 3600.0) for number in range(100)]

    assert set(pauses) == {0.5}


def test_one_part_that_ends_does_not_count_against_another() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.pause_s("worker", now_s=0)

    assert restarts.pause_s("web", now_s=0) == 0.5
