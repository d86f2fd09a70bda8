"""`python -m core.web_process`: Granian, with processes that hear a signal to stop from their first moment on.

They are forks, and a fork keeps its parent's handlers until it has loaded the app and sets its own. A stop in those
seconds would only be noted in the parent's way; the process would go on serving and be killed in the middle of answers.
"""

import os
import signal

from granian.cli import entrypoint


def end_at_once() -> None:
    """Nothing was accepted yet."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if __name__ == "__main__":
    os.register_at_fork(after_in_child=end_at_once)
    entrypoint()  # type: ignore[no-untyped-call]
