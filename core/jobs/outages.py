"""Jobs that the database left in the middle of are done when it is back, however often they may be tried otherwise."""

import procrastinate
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from core.db import is_away

_TRIED_AGAIN_AFTER_S = 5
_MOST_ATTEMPTS = 100
"""More than eight minutes: a failover takes two, and a job that only waits for the database has not failed."""


class ThroughOutages(BaseRetryStrategy):
    def __init__(self, otherwise: BaseRetryStrategy | None) -> None:
        self._otherwise = otherwise

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if is_away(exception) and job.attempts < _MOST_ATTEMPTS:
            return RetryDecision(retry_in={"seconds": _TRIED_AGAIN_AFTER_S})
        if self._otherwise is None:
            return None
        return self._otherwise.get_retry_decision(exception=exception, job=job)


def outlive_outages(jobs: procrastinate.App) -> None:
    """What the clock starts comes again by itself."""
    for task in jobs.tasks.values():
        if task.queueing_lock is None and not isinstance(task.retry_strategy, ThroughOutages):
            task.retry_strategy = ThroughOutages(task.retry_strategy)
