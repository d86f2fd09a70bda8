"""The two ways in to the check path: the event loop of the web server, and WSGI for whoever calls the app itself."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from api.runtime import Runtime
from api.snapshots.read_through_cache import NotInMemory
from api.v1.check_calls import Call, Check, Checks
from api.v1.check_path import KINDS, CheckPath
from api.v1.idempotency import IN_ENVIRON
from api.v1.limit_headers import TooManyAtOnce
from core.errors import AppError
from core.serving import SHORT_BYTES, Answer, Busy, ConcurrencyLimit, Group, Handler, Pool, Request

_STATUS_LINES = {int(status): f"{status} {status.phrase}" for status in HTTPStatus}

BATCH_THREADS = 2
UNUSUAL_THREADS = 4
LOOKUP_THREADS = 4


class CheckHandler:
    """Checks on the event loop, in a group; batches, and what takes longer to read or to decide, have threads."""

    def __init__(self, path: CheckPath, runtime: Runtime, flask: Handler) -> None:
        self._path = path
        self._runtime = runtime
        self._flask = flask
        self._singles: Group[Call, Answer] = Group(path.answer_soon)
        self._keyed: Group[Call, Answer] = Group(path.answer_keyed_soon)
        self._batches = Pool("batches", BATCH_THREADS, per_key=1)
        self._unusual = Pool("unusual-checks", UNUSUAL_THREADS, per_key=UNUSUAL_THREADS // 2)
        self._under_way = ConcurrencyLimit(runtime.settings.checks_at_once)
        self._lookups = Pool("lookups", LOOKUP_THREADS, per_key=LOOKUP_THREADS // 2)

    async def __call__(self, request: Request) -> None:
        if request.method == "OPTIONS":
            await self._flask(request)
            return
        call = KINDS[request.path](request.environ)
        if not await self._admit(request, call):
            await request.drain()
            await request.answer(*self._path.answer(call))
            return
        with self._under_way.place(call.caller.organization.id.int) as is_free:
            answer = await self._read_and_answered(request, call) if is_free else await self._sent_away(request, call)
        await request.answer(*answer)

    def take(self, environ: WSGIEnvironment, body: bytes, answer: Callable[[Answer], None]) -> bool:
        """A plain check of a caller whom memory knows: it waits for its group alone. Others go the long way."""
        if environ["REQUEST_METHOD"] != "POST" or IN_ENVIRON in environ or len(body) > Check.max_bytes:
            return False
        call = Check(environ)
        if not self._path.is_admitted_at_once(call, self._runtime.snapshots.in_memory):
            return False
        call.take_body(body)
        organization_id = call.caller.organization.id.int
        if not call.read_quickly(self._runtime.reader) or not self._under_way.take(organization_id):
            return False

        def tell(made: Answer | Exception) -> None:
            self._under_way.give_back(organization_id)
            if isinstance(made, Exception):
                made = self._failed(call, made)
            answer(made)

        try:
            self._singles.push(organization_id, call, tell)
        except Busy:
            self._under_way.give_back(organization_id)
            return False
        return True

    async def _read_and_answered(self, request: Request, call: Call) -> Answer:
        if 0 < call.max_bytes <= SHORT_BYTES:
            call.take_body(await request.short_body(at_most_bytes=call.max_bytes))
        elif call.max_bytes:
            async with request.body(at_most_bytes=call.max_bytes) as body:
                request.environ["wsgi.input"] = body
                call.read_body()
        return await self._answered(call)

    async def _sent_away(self, request: Request, call: Call) -> Answer:
        """Others of the same organization are under way, as many as may be."""
        await request.drain()
        call.refusal = TooManyAtOnce(self._under_way.most)
        return self._path.answer(call)

    async def _admit(self, request: Request, call: Call) -> bool:
        """On the loop where memory has what it takes; whoever needs the database waits elsewhere."""
        try:
            return self._path.admit(call, self._runtime.snapshots.in_memory)
        except NotInMemory:
            return await self._lookups.run(request.address, self._path.admit, call)

    async def _answered(self, call: Call) -> Answer:
        organization_id = call.caller.organization.id.int  # which is hashed at once, as a UUID is not
        try:
            if isinstance(call, Checks):
                return await self._batches.run(organization_id, self._path.answer_batch, call)
            if isinstance(call, Check) and not call.read_quickly(self._runtime.reader):
                return await self._unusual.run(organization_id, self._path.answer_alone, call)
            group = self._keyed if IN_ENVIRON in call.environ else self._singles
            return await group.submit(organization_id, call)
        except Exception as error:  # noqa: BLE001  whatever it was, the caller hears that there is no answer
            return self._failed(call, error)

    def _failed(self, call: Call, error: Exception) -> Answer:
        if not isinstance(error, AppError):
            return self._path.fail(call, error)
        call.refusal = error
        return self._path.answer(call)


class CheckMiddleware:
    """Around the Flask app, for a caller that speaks WSGI: a check goes through in the caller's thread, by itself."""

    def __init__(self, flask_wsgi: Any, path: CheckPath) -> None:
        self._flask_wsgi = flask_wsgi
        self._path = path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        kind = KINDS.get(environ["PATH_INFO"])
        if kind is None or environ["REQUEST_METHOD"] == "OPTIONS":
            return self._flask_wsgi(environ, start_response)  # type: ignore[no-any-return]
        status, headers, body = self._answered(kind(environ))
        start_response(_STATUS_LINES[status], list(headers))
        return [body]

    def _answered(self, call: Call) -> Answer:
        if not self._path.admit(call):
            return self._path.answer(call)
        call.read_body()
        return self._path.answer_batch(call) if isinstance(call, Checks) else self._path.answer_alone(call)
