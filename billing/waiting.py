"""How long jobs wait for Stripe: until it answers, and never longer than some minutes after it does."""

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from billing.errors import PaymentsAway

FIRST_S, MOST_S = 5, 300
"""Doubled from the first to the longest pause, so that at most five minutes pass after Stripe answers again."""
TRIES = 6
"""For errors of our own, which waiting seldom mends."""


class UntilStripeAnswers(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if not isinstance(exception, PaymentsAway) and job.attempts + 1 >= TRIES:
            return None
        return RetryDecision(retry_in={"seconds": min(MOST_S, FIRST_S * 2 ** min(job.attempts, 10))})
