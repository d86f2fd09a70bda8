"""The OpenAI Agents SDK behind a check: the real library, a provider on this machine, messages that can't be read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ai_governance import AsyncClient, BlockedError, Client, ConfigurationError

from tests.cast import Member
from tests.sdk.chat_provider import ChatProvider, a_call_of
from tests.sdk.conftest import Fronted
from tests.sdk.test_integrations import PERSONAL, Tool, Unreadable

agents = pytest.importorskip("agents")
openai = pytest.importorskip("openai")
governance = pytest.importorskip("ai_governance.integrations.openai_agents")


@asynccontextmanager
async def provider_of(chat_provider: ChatProvider) -> AsyncIterator[Any]:
    async with openai.AsyncOpenAI(base_url=chat_provider.url, api_key="x", max_retries=1) as client:
        yield agents.OpenAIProvider(openai_client=client, use_responses=False)


async def _whole(agent: Any, config: Any) -> str:
    return (await agents.Runner.run(agent, "hello", run_config=config)).final_output  # type: ignore[no-any-return]


async def _streamed(agent: Any, config: Any) -> str:
    run = agents.Runner.run_streamed(agent, "hello", run_config=config)
    async for _ in run.stream_events():
        pass
    return run.final_output  # type: ignore[no-any-return]


Ask = Callable[[Any, Any], Awaitable[str]]
BOTH = pytest.mark.parametrize("ask", [_whole, _streamed], ids=["whole", "streamed"])


def run(client: Any, chat_provider: ChatProvider, agent: Any = None, ask: Ask = _whole, **options: Any) -> str:
    """Traces would go to OpenAI, so there are none."""

    async def main() -> str:
        async with provider_of(chat_provider) as provider:
            governed = governance.GovernedProvider(client, provider, **options)
            config = agents.RunConfig(model_provider=governed, tracing_disabled=True)
            return await ask(agent or agents.Agent(name="one", model="gpt-4o"), config)

    return asyncio.run(main())


def tool(function: Callable[[], str]) -> Any:
    return agents.function_tool(function, name_override="weather")


def test_an_allowed_request_reaches_the_model_and_is_on_record(client: Client, chat_provider: ChatProvider) -> None:
    agent = agents.Agent(name="one", model="gpt-4o", model_settings=agents.ModelSettings(max_tokens=9))

    assert run(client, chat_provider, agent, metadata={"department": "support"}) == "hi"

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
def test_each_request_of_a_run_with_tools_is_checked(client: Client, chat_provider: ChatProvider, ask: Ask) -> None:
    chat_provider.answers = [a_call_of("weather")]

    assert run(client, chat_provider, agents.Agent(name="one", model="gpt-4o", tools=[tool(lambda: "sunny")]), ask)

    assert len(chat_provider.asked) == len(records := list(client.decisions())) == 2
    assert {record.metadata["gen_ai.request.stream"] for record in records} == {ask is _streamed}


@BOTH
def test_a_blocked_request_reaches_no_model(client: Client, chat_provider: ChatProvider, ask: Ask) -> None:
    with pytest.raises(agents.InputGuardrailTripwireTriggered) as caught:
        run(client, chat_provider, ask=ask, metadata=PERSONAL)

    refusal: Any = caught.value
    assert issubclass(caught.type, BlockedError)
    assert refusal.guardrail_result.output.output_info is refusal.decision
    assert refusal.decision.reason == "contains_personal_data"
    assert chat_provider.asked == []


def test_agents_that_others_use_as_tools_are_checked_too(client: Client, chat_provider: ChatProvider) -> None:
    chat_provider.answers = [a_call_of("weather", '{"input": "now"}')]
    inner = agents.Agent(name="inner", model="gpt-4o-mini").as_tool("weather", "Tells the weather.")

    assert run(client, chat_provider, agents.Agent(name="outer", model="gpt-4o", tools=[inner])) == "hi"

    assert [record.model for record in client.decisions()] == ["gpt-4o", "gpt-4o-mini", "gpt-4o"]


def test_agents_that_are_handed_the_conversation_are_checked_too(client: Client, chat_provider: ChatProvider) -> None:
    second = agents.Agent(name="second", model="gpt-4o-mini")
    chat_provider.answers = [a_call_of("transfer_to_second")]

    assert run(client, chat_provider, agents.Agent(name="first", model="gpt-4o", handoffs=[second])) == "hi"

    assert [record.model for record in client.decisions()] == ["gpt-4o-mini", "gpt-4o"]


@BOTH
def test_retries_are_one_decision_whoever_makes_them(client: Client, chat_provider: ChatProvider, ask: Ask) -> None:
    again = agents.ModelRetrySettings(max_retries=2, policy=lambda _: True, backoff={"initial_delay": 0.01})
    agent = agents.Agent(name="one", model="gpt-4o", model_settings=agents.ModelSettings(retry=again))
    chat_provider.failures = 2  # the provider's client tries twice by itself, and the runner asks it again

    assert run(client, chat_provider, agent, ask) == "hi"

    assert len(chat_provider.asked) == 3
    assert len(list(client.decisions())) == 1


def test_a_model_object_is_governed_by_itself_and_with_either_client(
    front: Fronted, ada: Member, client: Client, chat_provider: ChatProvider, tmp_path: Path
) -> None:
    async def main() -> list[str]:
        async with (
            AsyncClient(front.url, ada.secret, spool_folder=tmp_path) as own,
            provider_of(chat_provider) as provider,
        ):
            models = [governance.GovernedModel(provider.get_model("gpt-4o"), one) for one in (own, client)]
            config = agents.RunConfig(tracing_disabled=True)
            return [await _whole(agents.Agent(name="one", model=model), config) for model in models]

    assert asyncio.run(main()) == ["hi", "hi"]
    assert len(list(client.decisions())) == 2


class Named(agents.Model):  # type: ignore[misc,name-defined]
    """Hands back what it is given."""

    def __init__(self, name: str | None) -> None:
        self.model = name

    async def get_response(self, *given: Any, **_: Any) -> Any:
        return given

    def stream_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


def test_messages_are_not_touched(client: Client) -> None:
    handoff = agents.handoff(agents.Agent(name="second"))
    tools = [Tool("crm_read")]
    given = (Unreadable(), [Unreadable()], agents.ModelSettings(), tools, Unreadable(), [handoff])
    model = governance.GovernedModel(Named("gpt-4o"), client, with_tool_names=True)

    told = asyncio.run(model.get_response(*given))

    assert all(one is other for one, other in zip(told, given, strict=True))
    (record,) = client.decisions()
    counts = {"message_count": 1, "tool_count": 2, "tool_names": ["crm_read", "transfer_to_second"]}
    assert counts.items() <= record.metadata.items()


def test_a_model_without_a_name_is_not_asked(client: Client) -> None:
    with pytest.raises(ConfigurationError, match="no model"):
        asyncio.run(governance.GovernedModel(Named(None), client).get_response("", "", agents.ModelSettings()))
