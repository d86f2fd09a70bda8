"""Where the portal shows what our mails speak of. The portal serves these paths, and a test of its own proves it."""

from uuid import UUID

ACCEPT = "/legal/accept"
CHANGES = "/legal/sub-processors"
DOCUMENTS = "/legal"
FEED = "/legal/changes.atom"
AUDITS = "/documents/audits"


def receipt(acceptance_id: UUID) -> str:
    return f"/legal/acceptances/{acceptance_id}"


def document(kind: str, number: str) -> str:
    return f"/legal/{kind.replace('_', '-')}/{number}"


def delegation(token: str) -> str:
    return f"/legal/sign/{token}"


def audit(audit_id: UUID) -> str:
    return f"{AUDITS}/{audit_id}"
