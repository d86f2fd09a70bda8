"""An OpenAI client whose calls are checked first. Needs AIG_URL, AIG_KEY and OPENAI_API_KEY."""

import sys

from openai import OpenAI

from ai_governance import BlockedError, Client
from ai_governance.integrations.openai import govern

client = Client()
openai = govern(OpenAI(), client, metadata={"contains_personal_data": "--personal" in sys.argv})

try:
    answer = openai.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
    print("Answer:", answer.choices[0].message.content)
except BlockedError as error:
    print("Blocked:", error.decision.reason, *error.decision.fixes)
