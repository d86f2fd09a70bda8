"""How fast a password or a code may be guessed: some tries at once, then with a growing delay between them.

A delay and never a lock-out, for whoever could lock an account could shut its owner out. Whoever knows an account's
address can make others wait for `everybody`'s delay, so it is short where the secret is long, and browsers that were
signed in before are counted by themselves.
"""

from datetime import timedelta
from enum import StrEnum

import msgspec


class Pace(msgspec.Struct, frozen=True):
    """The first `free` tries within `window` wait for nothing; each after that waits twice as long, up to `most_s`."""

    free: int
    first_s: int
    most_s: int
    window: timedelta

    def delay_after(self, failures: int) -> timedelta:
        beyond = failures - self.free
        if beyond < 0:
            return timedelta()
        return timedelta(seconds=min(self.first_s * 2 ** min(beyond, 20), self.most_s))


class Kind(StrEnum):
    """What is guessed. Each is counted by itself, so that wrong codes of an app do not shut recovery codes."""

    PASSWORD = "password"  # noqa: S105  a kind of try, not a secret
    APP_CODE = "app_code"
    RECOVERY_CODE = "recovery_code"
    SESSION_PASSWORD = "session_password"  # noqa: S105  a kind of try, not a secret
    SETUP_CODE = "setup_code"


class Limit(msgspec.Struct, frozen=True):
    """`origin` holds for one address, known browser or session; `everybody` for all that are not known together.

    After `warn_at` tries of everybody the person is written to; after `ends_session_at` of a session it is ended.
    """

    origin: Pace
    everybody: Pace
    warn_at: int | None = None
    ends_session_at: int | None = None


_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_ORIGIN = Pace(free=5, first_s=1, most_s=900, window=_HOUR)

LIMITS = {
    # 100 and then 120 an hour: a password that we take has at least 100 million likelier ones before it.
    Kind.PASSWORD: Limit(_ORIGIN, Pace(free=100, first_s=1, most_s=30, window=_HOUR), warn_at=20),
    # A code of six digits is found by one of 300,000 tries, and whoever tries knows the password already.
    Kind.APP_CODE: Limit(_ORIGIN, Pace(free=10, first_s=15, most_s=900, window=_DAY), warn_at=5),
    # 80 random bits: nobody finds one, so this only keeps the work small.
    Kind.RECOVERY_CODE: Limit(
        Pace(free=5, first_s=1, most_s=60, window=_HOUR), Pace(free=20, first_s=1, most_s=60, window=_HOUR)
    ),
    Kind.SESSION_PASSWORD: Limit(
        Pace(free=5, first_s=900, most_s=900, window=_DAY),
        Pace(free=20, first_s=60, most_s=900, window=_DAY),
        ends_session_at=5,
    ),
    Kind.SETUP_CODE: Limit(
        Pace(free=10, first_s=900, most_s=900, window=_DAY),
        Pace(free=30, first_s=60, most_s=900, window=_DAY),
        ends_session_at=10,
    ),
}
