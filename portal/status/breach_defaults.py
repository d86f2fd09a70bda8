"""What holds of every breach, since it is all that we keep."""

from core import current
from portal.status.breaches import FACTS


def facts() -> dict[str, str]:
    settings = current.settings()
    return {
        **dict.fromkeys(FACTS, ""),
        "people": "Members of your account. People your decisions are about, known to us only as keyed hashes.",
        "records": "Decisions: metadata, never prompts. API keys as hashes. Members' names and email addresses.",
        "contact": ", ".join(filter(None, (settings.provider_name, settings.security_email or settings.support_email))),
    }
