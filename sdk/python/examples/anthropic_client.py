"""An Anthropic client whose calls are checked first. Needs AIG_URL, AIG_KEY and ANTHROPIC_API_KEY."""

import sys

from anthropic import Anthropic

from ai_governance import BlockedError, Client
from ai_governance.integrations.anthropic import govern

client = Client()
anthropic = govern(Anthropic(), client, metadata={"contains_personal_data": "--personal" in sys.argv})

try:
    messages = [{"role": "user", "content": "Hello"}]
    answer = anthropic.messages.create(model="claude-4", max_tokens=99, messages=messages)
    print("Answer:", answer.content[0].text)
except BlockedError as error:
    print("Blocked:", error.decision.reason, *error.decision.fixes)
