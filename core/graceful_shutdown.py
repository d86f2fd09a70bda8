"""How a process stops: from the signal on, each answer of a web process is the last on its connection.

It accepts no more connections, but would go on serving those that are open for as long as callers keep asking, until it
is killed in the middle of an answer. In the worker, a job of many parts leaves the rest to the next worker.
"""

from threading import Event

is_stopping = Event()
"""Set once this process was told to stop."""
