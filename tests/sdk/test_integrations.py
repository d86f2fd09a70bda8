"""Provider clients behind a check: the real libraries, a provider on this machine, and messages that can't be read."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import pytest
from ai_governance import AsyncClient, BlockedError, Client, ConfigurationError
from ai_governance.integrations import anthropic as for_anthropic
from ai_governance.integrations import openai as for_openai
from ai_governance.integrations.counts import counts_of
from ai_governance.integrations.governed import NotCoveredError, facts_of

from api.vocabulary import MAX_TOKENS
from tests.cast import Member
from tests.sdk.conftest import Fronted

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

MESSAGES = [{"role": "user", "content": "hello"}]
CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": []}
MESSAGE: dict[str, Any] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
PERSONAL = {"contains_personal_data": True}


class Unreadable(list[Any]):
    """Whoever looks inside fails."""


class Tool:
    """Has a name, and fails whoever wants to know more."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, _: str) -> NoReturn:
        _fail()


def _fail(*_: Any) -> NoReturn:
    raise AssertionError("content was read")


for _name in ("iter", "len", "getitem", "str", "repr", "bool", "contains", "eq", "hash", "reduce_ex"):
    setattr(Unreadable, f"__{_name}__", _fail)


class Provider:
    """Answers as both providers do, and counts what reached it. `failures` of the next answers are 500."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failures = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                provider.asked.append(self.path)
                is_broken, provider.failures = provider.failures > 0, max(0, provider.failures - 1)
                body = json.dumps(MESSAGE if "messages" in self.path else CHAT).encode()
                self.send_response_only(500 if is_broken else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.stop()


def clients_of(provider: Provider, *, is_async: bool = False) -> list[tuple[Any, Any, Any]]:
    """For each library: its client, how to govern it, and a call of a model."""
    options = {"api_key": "x", "base_url": provider.url}
    of_openai = openai.AsyncOpenAI(**options) if is_async else openai.OpenAI(**options)
    of_anthropic = anthropic.AsyncAnthropic(**options) if is_async else anthropic.Anthropic(**options)
    return [
        (of_openai, for_openai.govern, lambda one: one.chat.completions.create(model="gpt-4o", messages=MESSAGES)),
        (
            of_anthropic,
            for_anthropic.govern,
            lambda one: one.messages.create(model="claude-4", max_tokens=9, messages=MESSAGES),
        ),
    ]


def test_an_allowed_call_reaches_the_provider_and_is_on_record(client: Client, provider: Provider) -> None:
    for raw, govern, call in clients_of(provider):
        with raw:
            call(govern(raw, client, metadata={"department": "support"}))

    records = list(client.decisions())
    assert len(provider.asked) == len(records) == 2
    assert [record.model for record in records] == ["claude-4", "gpt-4o"]
    assert records[0].metadata == {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.max_tokens": 9,
        "server.address": "127.0.0.1",
        "message_count": 1,
        "department": "support",
    }


def test_a_blocked_call_never_reaches_the_provider(client: Client, provider: Provider) -> None:
    for raw, govern, call in clients_of(provider):
        with raw, pytest.raises(BlockedError):
            call(govern(raw, client, metadata=PERSONAL))

    assert provider.asked == []


def test_no_way_around_is_left_open(client: Client, provider: Provider) -> None:
    (raw, govern, _), *_ = clients_of(provider)
    with raw:
        governed = govern(raw, client, metadata=PERSONAL)
        ask = {"model": "gpt-4o", "messages": MESSAGES}
        blocked: Any
        for blocked in (
            lambda: governed.with_options(timeout=1).chat.completions.create(**ask),
            lambda: governed.copy().chat.completions.create(**ask),
            lambda: governed.with_raw_response.chat.completions.create(**ask),
            lambda: governed.chat.with_raw_response.completions.create(**ask),
            lambda: governed.chat.completions.with_raw_response.create(**ask),
            lambda: governed.chat.completions.with_streaming_response.create(**ask),
            lambda: governed.beta.chat.completions.parse(**ask),
            lambda: governed.chat.completions.stream(**ask),
            lambda: governed.responses.create(model="gpt-4o", input="x"),
            lambda: governed.embeddings.create(model="e", input="x"),
        ):
            with pytest.raises(BlockedError):
                blocked()
        uncovered: Any
        for uncovered in (
            lambda: governed.post("/chat/completions", cast_to=object, body={}),
            governed.batches.create,
            lambda: governed.beta.threads.runs.create("thread"),
            lambda: governed.realtime.connect(model="gpt-realtime"),
        ):
            with pytest.raises(NotCoveredError):
                uncovered()
        with pytest.raises(ConfigurationError, match="no model"):
            governed.moderations.create(input="x")
    assert provider.asked == []


def test_retries_of_the_library_are_one_decision(client: Client, provider: Provider) -> None:
    provider.failures = 1
    (raw, govern, call), *_ = clients_of(provider)

    with raw:
        call(govern(raw, client))

    assert len(provider.asked) == 2
    assert len(list(client.decisions())) == 1


@pytest.mark.parametrize("metadata", [{}, PERSONAL], ids=["allowed", "blocked"])
def test_asynchronous_clients_are_governed_too(
    front: Fronted, ada: Member, provider: Provider, tmp_path: Path, metadata: dict[str, Any]
) -> None:
    async def main() -> int:
        blocked = 0
        async with AsyncClient(front.url, ada.secret, spool_folder=tmp_path) as client:
            for raw, govern, call in clients_of(provider, is_async=True):
                async with raw:
                    governed = govern(raw, client, metadata=metadata)
                    for ask in (call, _streaming):
                        try:
                            await ask(governed)
                        except BlockedError:
                            blocked += 1
        return blocked

    async def _streaming(governed: Any) -> None:
        options = {"model": "m", "messages": MESSAGES}
        of_anthropic = {**options, "max_tokens": 1}
        family, given = (
            (governed.chat.completions, options) if hasattr(governed, "chat") else (governed.messages, of_anthropic)
        )
        async with family.with_streaming_response.create(**given) as response:
            assert response.status_code == 200

    assert asyncio.run(main()) == (4 if metadata else 0)
    assert len(provider.asked) == (0 if metadata else 4)


def test_content_is_never_read() -> None:
    hidden = {"messages": Unreadable(), "input": Unreadable(), "tools": Unreadable(), "stream": True}
    facts = facts_of(for_openai.OPENAI, hidden, "https://eu.api.openai.com/v1", is_chat=True, with_tool_names=True)

    assert facts == {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.stream": True,
        "server.address": "eu.api.openai.com",
    }


def test_a_call_is_decided_without_looking_at_its_messages(client: Client) -> None:
    """They are counted; tools are named if the caller wants it, and nothing else of them is read."""
    hidden = [Unreadable(), Unreadable()]
    in_chat = [{"type": "function", "function": {"name": "crm_read", "parameters": Unreadable()}}]
    with (
        openai.OpenAI(api_key="x", base_url="http://127.0.0.1:1") as raw,
        anthropic.Anthropic(api_key="x", base_url="http://127.0.0.1:1") as other,
    ):
        named = for_openai.govern(raw, client, metadata=PERSONAL, with_tool_names=True)
        plain = for_openai.govern(raw, client, metadata=PERSONAL)
        claude = for_anthropic.govern(other, client, metadata=PERSONAL, with_tool_names=True)
        asked: Any
        for asked in (
            lambda: named.chat.completions.create(model="gpt-4o", messages=hidden, tools=in_chat),
            lambda: named.responses.create(model="gpt-4o", input=hidden, tools=[{"type": "web_search"}]),
            lambda: plain.chat.completions.create(model="gpt-4o", messages=hidden, tools=[Unreadable()]),
            lambda: plain.embeddings.create(model="e", input=hidden),
            lambda: claude.messages.create(model="c", max_tokens=9, messages=hidden, tools=[Tool("crm_read")]),
        ):
            with pytest.raises(BlockedError):
                asked()

    names = ("message_count", "tool_count", "tool_names")
    assert [[record.metadata.get(name) for name in names] for record in client.decisions()][::-1] == [
        [2, 1, ["crm_read"]],
        [2, 1, None],
        [2, 1, None],
        [None, None, None],
        [2, 1, ["crm_read"]],
    ]


def test_names_of_tools_are_all_sent_or_none() -> None:
    for odd in (Tool("two words"), Tool("_a"), {}, {"name": None}):
        assert counts_of(tools=[Tool("a"), odd], with_tool_names=True) == {"tool_count": 2}
    assert counts_of(tools=[Tool("a")] * (MAX_TOKENS + 1), with_tool_names=True) == {"tool_count": MAX_TOKENS + 1}
    assert len(counts_of(tools=[Tool("a")] * MAX_TOKENS, with_tool_names=True)["tool_names"]) == MAX_TOKENS


def test_twins_are_not_mixed(client: Client) -> None:
    with pytest.raises(ConfigurationError, match="AsyncClient"):
        for_openai.govern(openai.AsyncOpenAI(api_key="x"), client)


def test_a_governed_client_passes_for_one(client: Client) -> None:
    with openai.OpenAI(api_key="x") as raw:
        assert isinstance(for_openai.govern(raw, client), openai.OpenAI)
