"""HTTP as it comes in: bodies are read on an event loop, and each kind of request has threads of its own.

A caller who sends or reads slowly costs a coroutine and no thread. Pages, the API, downloads and checks cannot take
each other's threads, so that none of them waits for another's trouble. Flask answers behind all of it.
"""

from core.serving.concurrency import ConcurrencyLimit
from core.serving.flask_handler import TURN, FlaskHandler, places_of
from core.serving.groups import Group
from core.serving.header_lines import HeaderLines, lines_of
from core.serving.pools import Busy, Pool
from core.serving.requests import SHORT_BYTES, Answer, Broken, Request, TooSlow
from core.serving.server import AtOnce, Handler, WebServer

__all__ = [
    "SHORT_BYTES",
    "TURN",
    "Answer",
    "AtOnce",
    "Broken",
    "Busy",
    "ConcurrencyLimit",
    "FlaskHandler",
    "Group",
    "Handler",
    "HeaderLines",
    "Pool",
    "Request",
    "TooSlow",
    "WebServer",
    "lines_of",
    "places_of",
]
