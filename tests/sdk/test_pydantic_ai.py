"""Agents of Pydantic AI behind a check: the real library, a provider on this machine, messages that can't be read."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ai_governance import AsyncClient, BlockedError, Client
from ai_governance.integrations.governed import NotCoveredError

from tests.cast import Member
from tests.sdk.chat_provider import ChatProvider, a_call_of
from tests.sdk.conftest import Fronted
from tests.sdk.test_integrations import PERSONAL, Tool, Unreadable

openai = pytest.importorskip("openai")
pydantic_ai = pytest.importorskip("pydantic_ai")
capabilities = pytest.importorskip("pydantic_ai.capabilities")
models = pytest.importorskip("pydantic_ai.models")
fallback = pytest.importorskip("pydantic_ai.models.fallback")
for_openai = pytest.importorskip("pydantic_ai.models.openai")
providers = pytest.importorskip("pydantic_ai.providers.openai")
governance = pytest.importorskip("ai_governance.integrations.pydantic_ai")


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The one in which `run_sync` runs."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def model_of(chat_provider: ChatProvider, loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    made: list[Any] = []

    def make(name: str = "gpt-4o") -> Any:
        made.append(openai.AsyncOpenAI(base_url=chat_provider.url, api_key="x", max_retries=1))
        return for_openai.OpenAIChatModel(name, provider=providers.OpenAIProvider(openai_client=made[-1]))

    yield make
    for client in made:
        loop.run_until_complete(client.close())


@pytest.fixture
def agent_of(model_of: Any) -> Any:
    def make(client: Any, *others: Any, **options: Any) -> Any:
        return pydantic_ai.Agent(
            model_of(),
            capabilities=[governance.Governance(client, **options), *others],
            model_settings={"max_tokens": 9},
        )

    return make


async def _streamed(agent: Any) -> str:
    async with agent.run_stream("hello") as run:
        return await run.get_output()  # type: ignore[no-any-return]


async def _whole(agent: Any) -> str:
    return (await agent.run("hello")).output  # type: ignore[no-any-return]


BOTH = pytest.mark.parametrize("ask", [_whole, _streamed], ids=["whole", "streamed"])
Ask = Callable[[Any], Awaitable[str]]
Loop = asyncio.AbstractEventLoop


def test_an_allowed_request_reaches_the_model_and_is_on_record(client: Client, agent_of: Any) -> None:
    agent = agent_of(client, metadata={"department": "support"})

    assert agent.run_sync("hello").output == "hi"

    (record,) = client.decisions()
    assert (record.model, record.operation) == ("gpt-4o", "chat")
    assert record.metadata == {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stream": False,
        "server.address": "127.0.0.1",
        "message_count": 1,
        "tool_count": 0,
        "department": "support",
    }


@BOTH
def test_each_request_of_a_run_with_tools_is_checked(
    client: Client, chat_provider: ChatProvider, agent_of: Any, loop: Loop, ask: Ask
) -> None:
    agent = agent_of(client)
    agent.tool_plain(lambda: "sunny", name="weather")
    chat_provider.answers = [a_call_of("weather")]

    assert loop.run_until_complete(ask(agent)) == "hi"

    assert len(chat_provider.asked) == len(records := list(client.decisions())) == 2
    assert {record.metadata["gen_ai.request.stream"] for record in records} == {ask is _streamed}


@BOTH
def test_a_blocked_request_reaches_no_model(
    client: Client, chat_provider: ChatProvider, agent_of: Any, loop: Loop, ask: Ask
) -> None:
    with pytest.raises(pydantic_ai.AgentRunError, match="contains_personal_data") as refusal:
        loop.run_until_complete(ask(agent_of(client, metadata=PERSONAL)))

    assert isinstance(refusal.value, BlockedError)
    assert refusal.value.decision.reason == "contains_personal_data"
    assert chat_provider.asked == []


def test_retries_of_the_library_are_one_decision(client: Client, chat_provider: ChatProvider, agent_of: Any) -> None:
    chat_provider.failures = 1

    assert agent_of(client).run_sync("hello").output == "hi"

    assert len(chat_provider.asked) == 2
    assert len(list(client.decisions())) == 1


def test_another_attempt_on_the_same_model_is_one_decision(
    client: Client, chat_provider: ChatProvider, agent_of: Any
) -> None:
    class AgainOnce(capabilities.AbstractCapability):  # type: ignore[misc,name-defined]
        async def on_model_request_error(self, _: Any, *, request_context: Any, error: Exception) -> Any:
            raise pydantic_ai.RetryModelRequest if request_context.attempt == 1 else error

    chat_provider.failures = 2  # the provider's client tries twice by itself

    assert agent_of(client, AgainOnce()).run_sync("hello").output == "hi"
    assert len(list(client.decisions())) == 1


def test_a_model_that_another_capability_falls_back_to_is_another_decision(
    client: Client, chat_provider: ChatProvider, agent_of: Any, model_of: Any
) -> None:
    chat_provider.failures = 2
    other = capabilities.ModelFallback(model_of("gpt-4o-mini"))

    assert agent_of(client, other).run_sync("hello").output == "hi"
    assert [record.model for record in client.decisions()] == ["gpt-4o-mini", "gpt-4o"]


def test_a_fallback_model_is_refused_because_nobody_sees_which_one_is_asked(
    client: Client, chat_provider: ChatProvider, model_of: Any
) -> None:
    several = fallback.FallbackModel(model_of(), model_of("gpt-4o-mini"))
    agent = pydantic_ai.Agent(several, capabilities=[governance.Governance(client)])

    with pytest.raises(NotCoveredError, match="ModelFallback"):
        agent.run_sync("hello")
    assert chat_provider.asked == []


def test_asynchronous_clients_are_taken_too(
    front: Fronted, ada: Member, tmp_path: Path, agent_of: Any, loop: Loop
) -> None:
    async def main() -> str:
        async with AsyncClient(front.url, ada.secret, spool_folder=tmp_path) as client:
            return await _whole(agent_of(client))

    assert loop.run_until_complete(main()) == "hi"


def test_messages_are_not_touched(client: Client, model_of: Any, loop: Loop) -> None:
    async def main() -> Any:
        given = models.ModelRequestContext(
            model=model_of(),
            messages=[Unreadable()],
            model_settings=None,
            model_request_parameters=models.ModelRequestParameters(function_tools=[Tool("crm_read")]),
        )
        run = pydantic_ai.RunContext(deps=None, model=given.model, usage=Unreadable(), prompt=Unreadable())
        return given is await governance.Governance(client, with_tool_names=True).prepare_model_request(run, given)

    assert loop.run_until_complete(main()) is True
    (record,) = client.decisions()
    counts = {"message_count": 1, "tool_count": 1, "tool_names": ["crm_read"]}
    assert counts.items() <= record.metadata.items()
