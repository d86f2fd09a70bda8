"""A run of the OpenAI Agents SDK whose models are asked after a check. Needs AIG_URL, AIG_KEY and OPENAI_API_KEY."""

import sys

from agents import Agent, MultiProvider, RunConfig, Runner

from ai_governance import BlockedError, Client
from ai_governance.integrations.openai_agents import GovernedProvider

client = Client()
facts = {"contains_personal_data": "--personal" in sys.argv}
provider = GovernedProvider(client, MultiProvider(openai_use_responses=False), metadata=facts)

try:
    run = Runner.run_sync(
        Agent(name="Assistant", model="gpt-4o"),
        "Hello",
        run_config=RunConfig(model_provider=provider, tracing_disabled=True),
    )
    print("Answer:", run.final_output)
except BlockedError as error:
    print("Blocked:", error.decision.reason, *error.decision.fixes)
