"""`python -m core.web_process`: Granian, with processes that hear a signal to stop from their first moment on.

They are forks, and a fork keeps its parent's handlers until it has loaded the app and sets its own. A stop in those
seconds would only be noted in the parent's way; the process would go on serving and be killed in the middle of answers.

The app's modules are loaded before the first fork: all processes share that memory, and one that takes the place of
another serves within a second.
"""

import gc
import os
import signal
import sys
from importlib import import_module

from granian import loops
from granian.cli import entrypoint
from prometheus_client.multiprocess import mark_process_dead

from core.graceful_shutdown import new_loop
from core.serving.command import APP

SWITCH_INTERVAL_S = 0.0002
"""How long a thread that only computes may keep the others waiting; the usual 5 ms add up where several do."""

loops.register("asyncio")(new_loop)


def begin() -> None:
    """In each process that serves; nothing was accepted yet."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def load(factory: str) -> None:
    """The modules of `module:function`, without calling it: nothing here may hold a connection or a thread."""
    gc.disable()
    import_module(factory.partition(":")[0])
    mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
    gc.freeze()  # what is never searched is never written to, and stays shared
    gc.enable()


if __name__ == "__main__":
    load(APP)
    os.register_at_fork(after_in_child=begin)
    entrypoint()  # type: ignore[no-untyped-call]
