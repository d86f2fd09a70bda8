"""Metrics of several processes are in a file of each. Whose file it is, the client asks the machine at every count.

That took as long as the rest of counting. A process has the same number as long as it lives, so it is asked once.
"""

import os

from prometheus_client import values

_own = [os.getpid()]


def _note() -> None:
    _own[0] = os.getpid()


def _own_number() -> int:
    return _own[0]


def use() -> None:
    """Before the first metric is made."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        values.ValueClass = values.MultiProcessValue(_own_number)  # type: ignore[no-untyped-call]
        os.register_at_fork(after_in_child=_note)
