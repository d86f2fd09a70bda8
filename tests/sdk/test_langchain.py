"""LangChain's agents behind a check: the real library, a model of this machine, messages that can't be read."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from ai_governance import AsyncClient, BlockedError, Client, ConfigurationError

from tests.cast import Member
from tests.sdk.conftest import Fronted
from tests.sdk.test_integrations import PERSONAL, Tool, Unreadable

agents = pytest.importorskip("langchain.agents")
fakes = pytest.importorskip("langchain_core.language_models.fake_chat_models")
messages = pytest.importorskip("langchain_core.messages")
governance = pytest.importorskip("ai_governance.integrations.langchain")

HELLO = {"messages": [{"role": "user", "content": "hello"}]}


class Model(fakes.GenericFakeChatModel):  # type: ignore[misc,name-defined]
    """Has a name, and counts how often it was asked."""

    asked: list[int] = []  # noqa: RUF012  pydantic copies it

    def _get_ls_params(self, **_: Any) -> dict[str, Any]:
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o", "ls_max_tokens": 9}

    def _generate(self, *args: Any, **options: Any) -> Any:
        self.asked.append(1)
        return super()._generate(*args, **options)


def agent_of(client: Any, **options: Any) -> tuple[Any, Model]:
    model = Model(messages=iter([messages.AIMessage("hi")]), asked=[])
    return agents.create_agent(model, middleware=[governance.GovernanceMiddleware(client, **options)]), model


def test_an_allowed_call_reaches_the_model_and_is_on_record(client: Client) -> None:
    agent, model = agent_of(client, metadata={"department": "support"})

    assert agent.invoke(HELLO)["messages"][-1].content == "hi"

    (record,) = client.decisions()
    assert model.asked == [1]
    assert (record.model, record.operation) == ("gpt-4o", "chat")
    assert record.metadata == {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.max_tokens": 9,
        "message_count": 1,
        "tool_count": 0,
        "department": "support",
    }


def test_a_blocked_call_reaches_no_model(client: Client) -> None:
    agent, model = agent_of(client, metadata=PERSONAL)

    with pytest.raises(BlockedError):
        agent.invoke(HELLO)
    with pytest.raises(BlockedError):
        asyncio.run(agent.ainvoke(HELLO))
    assert model.asked == []


def test_asynchronous_agents_take_either_client(front: Fronted, ada: Member, client: Client, tmp_path: Any) -> None:
    async def main() -> list[str]:
        async with AsyncClient(front.url, ada.secret, spool_folder=tmp_path) as own:
            answers = [await agent_of(one)[0].ainvoke(HELLO) for one in (own, client)]
            with pytest.raises(ConfigurationError, match="Client"):
                agent_of(own)[0].invoke(HELLO)
            return [answer["messages"][-1].content for answer in answers]

    assert asyncio.run(main()) == ["hi", "hi"]


def test_messages_are_not_touched(client: Client) -> None:
    hidden = {"messages": [Unreadable()], "tools": [Tool("crm_read")], "state": Unreadable()}
    request = SimpleNamespace(model=Model(messages=iter([])), **hidden)
    middleware = governance.GovernanceMiddleware(client, with_tool_names=True)

    assert middleware.wrap_model_call(request, lambda given: given is request) is True

    (record,) = client.decisions()
    counts = {"message_count": 1, "tool_count": 1, "tool_names": ["crm_read"]}
    assert counts.items() <= record.metadata.items()
