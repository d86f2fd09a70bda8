"""The simulation against the theory of queues, and what a plan has to hold."""

from itertools import pairwise
from math import exp, factorial, log

import pytest

from core.settings import Durability, Settings
from deploy import capacity
from deploy.capacity import MEASURED, Need, percentile_ms, plan_for

COSTS = MEASURED[Durability.DATABASE]


def waits(load: float, cores: int) -> float:
    """Erlang's C: the share of checks that find every core busy."""
    all_busy = load**cores / factorial(cores) * cores / (cores - load)
    return all_busy / (sum(load**free / factorial(free) for free in range(cores)) + all_busy)


@pytest.mark.parametrize(("rate_per_s", "cores"), [(700.0, 1), (1_000.0, 2), (1_400.0, 2), (5_000.0, 8)])
def test_the_simulation_agrees_with_what_is_known_of_such_queues(rate_per_s: float, cores: int) -> None:
    """Half of all checks take at most the time at which theory says that half of them do."""
    work_s = 0.001
    load, served = rate_per_s * work_s, 1 / work_s
    simulated_s = percentile_ms(rate_per_s, work_s * 1e6, cores, percent=50) / 1000

    late, spare = waits(load, cores), cores - load
    beyond = (1 - late) * exp(-served * simulated_s)
    if spare == 1:
        beyond += late * exp(-served * simulated_s) * (1 + served * simulated_s)
    else:
        own, queued = exp(-served * simulated_s), exp(-spare * served * simulated_s)
        beyond += late * (own * spare - queued) / (spare - 1)

    assert beyond == pytest.approx(0.5, abs=0.03)


def test_a_machine_alone_is_as_quick_as_its_work() -> None:
    assert percentile_ms(1.0, 1_000, 1, percent=99) == pytest.approx(-log(0.01), rel=0.1)


def test_more_checks_never_need_less() -> None:
    plans = [plan_for(Need(rate_per_s=rate), COSTS, Settings()) for rate in (10, 500, 2_000, 8_000, 30_000)]

    assert plans[0].web_machines == 2
    for less, more in pairwise(plans):
        assert less.web_machines <= more.web_machines
        assert less.database_cores <= more.database_cores
        assert less.redis_nodes <= more.redis_nodes
        assert less.rows < more.rows


@pytest.mark.parametrize("rate_per_s", [800.0, 4_000.0, 12_000.0])
def test_a_machine_may_be_away_at_the_peak(rate_per_s: float) -> None:
    need = Need(rate_per_s=rate_per_s, within_ms=20)
    plan = plan_for(need, COSTS, Settings())
    left = plan.web_machines - 1

    assert percentile_ms(rate_per_s / left, COSTS.web_us, need.cores, percent=99) <= 20
    assert rate_per_s * COSTS.web_us / 1e6 / need.cores / left <= capacity.MOST_BUSY


def test_a_check_that_takes_longer_than_it_may_is_said_and_not_searched_for_for_ever() -> None:
    with pytest.raises(ValueError, match="a check alone takes longer"):
        plan_for(Need(rate_per_s=100, within_ms=0.1), COSTS, Settings())


def test_the_command_prints_every_part_by_what_it_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    capacity.main(["--rate", "2000", "--retention-days", "10", "--average-share", "0.5", "--row-bytes", "1000"])
    printed = capsys.readouterr().out

    assert "864,000,000" in printed
    assert "864 GB" in printed
    for part in ("web machines", "PostgreSQL", "Redis", "connections"):
        assert part in printed
