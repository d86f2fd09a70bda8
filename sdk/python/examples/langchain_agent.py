"""A LangChain agent behind a check. Needs AIG_URL, AIG_KEY and OPENAI_API_KEY, and langchain-openai."""

import sys

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

from ai_governance import BlockedError, Client
from ai_governance.integrations.langchain import GovernanceMiddleware

client = Client()
governance = GovernanceMiddleware(client, metadata={"contains_personal_data": "--personal" in sys.argv})
agent = create_agent(ChatOpenAI(model="gpt-4o"), middleware=[governance])

try:
    answer = agent.invoke({"messages": [{"role": "user", "content": "Hello"}]})
    print("Answer:", answer["messages"][-1].content)
except BlockedError as error:
    print("Blocked:", error.decision.reason, *error.decision.fixes)
