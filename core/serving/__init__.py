"""HTTP as it comes in: bodies are read on an event loop, and each kind of request has threads of its own.

A caller who sends or reads slowly costs a coroutine and no thread. Pages, the API, downloads and checks cannot take
each other's threads, so that none of them waits for another's trouble. Flask answers behind all of it.
"""

from core.serving.concurrency import ConcurrencyLimit
from core.serving.flask_handler import TURN, FlaskHandler, places_of
from core.serving.groups import Group
from core.serving.pools import Busy, Pool
from core.serving.requests import SHORT_BYTES, Answer, Broken, Request, TooSlow
from core.serving.server import Handler, WebServer

__all__ = [
    "SHORT_BYTES",
    "TURN",
    "Answer",
    "Broken",
    "Busy",
    "ConcurrencyLimit",
    "FlaskHandler",
    "Group",
    "Handler",
    "Pool",
    "Request",
    "TooSlow",
    "WebServer",
    "places_of",
]
