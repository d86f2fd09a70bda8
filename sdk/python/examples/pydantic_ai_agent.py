"""An agent of Pydantic AI whose model is asked after a check. Needs AIG_URL, AIG_KEY and OPENAI_API_KEY."""

import sys

from pydantic_ai import Agent

from ai_governance import BlockedError, Client
from ai_governance.integrations.pydantic_ai import Governance

client = Client()
governance = Governance(client, metadata={"contains_personal_data": "--personal" in sys.argv})
agent = Agent("openai-chat:gpt-4o", capabilities=[governance])

try:
    print("Answer:", agent.run_sync("Hello").output)
except BlockedError as error:
    print("Blocked:", error.decision.reason, *error.decision.fixes)
