"""What the service does when it is tried, and what its settings say."""

import os
import socket
import ssl
from datetime import datetime
from urllib.parse import urlsplit

from api.checks.service import hash_subject
from api.content.refusal import ContentRefused, parse_without_content
from api.decisions import retention
from core.settings import Durability, Settings
from legal_docs.measures.kinds import Measure, Sighting
from legal_docs.measures.services import looks_at

_TIMEOUT_S = 5
_CONTENT = (
    b'{"model": "m", "operation": "chat", "messages": [{"role": "user", "content": "Hello"}]}',
    b'{"model": "m", "operation": "chat", "metadata": {"a": {"prompt": "Hello"}}}',
)


@looks_at(Measure.CONTENT_REFUSED)
def content_refused(_settings: Settings, _now: datetime) -> Sighting:
    taken = sum(not _is_refused(body) for body in _CONTENT)
    if taken:
        return Sighting(is_met=False, seen=f"{taken} of {len(_CONTENT)} requests with content were taken.")
    return Sighting(is_met=True, seen=f"All {len(_CONTENT)} requests with content that were tried were refused.")


@looks_at(Measure.PSEUDONYMS)
def pseudonyms(_settings: Settings, _now: datetime) -> Sighting:
    """The same name under two secrets."""
    one, other = (hash_subject("somebody", secret=os.urandom(32)) for _ in range(2))
    is_met = one != other and "somebody" not in one
    return Sighting(is_met=is_met, seen=f"Under two secrets a name becomes two hashes of {len(one) * 4} bits.")


@looks_at(Measure.DURABILITY)
def durability(settings: Settings, _now: datetime) -> Sighting:
    """`process` survives the death of a process, not of the machine."""
    words = {
        Durability.DATABASE: "Answers leave after the decision was committed in the database.",
        Durability.DISK: "Answers leave after the decision was flushed to the disk.",
        Durability.PROCESS: "Answers leave before the decision is on the disk.",
    }
    chosen = settings.decision_durability
    return Sighting(is_met=chosen is not Durability.PROCESS, seen=words[chosen])


@looks_at(Measure.DELETION)
def deletion(_settings: Settings, now: datetime) -> Sighting:
    last = retention.last_run_at()
    if last is None:
        return Sighting(is_met=False, seen="The deletion has not run yet.")
    return Sighting(
        is_met=not retention.is_overdue(now=now), seen=f"The deletion last ran on {last:%d %B %Y at %H:%M} UTC."
    )


@looks_at(Measure.BACKUP_ENCRYPTION)
def backup_encryption(settings: Settings, _now: datetime) -> Sighting:
    if not settings.backup_key:
        return Sighting(is_met=False, seen="Backups are encrypted with a key that lies beside them.")
    return Sighting(is_met=True, seen="Backups are encrypted (age), with a key that the store does not have.")


@looks_at(Measure.TRANSPORT)
def transport(settings: Settings, _now: datetime) -> Sighting:
    address = urlsplit(settings.public_url or "")
    if address.scheme != "https" or not address.hostname:
        return Sighting(is_met=False, seen="There is no https:// address.")
    context = ssl.create_default_context()
    with (
        socket.create_connection((address.hostname, address.port or 443), timeout=_TIMEOUT_S) as raw,
        context.wrap_socket(raw, server_hostname=address.hostname) as secured,
    ):
        version = secured.version()
    return Sighting(
        is_met=version == "TLSv1.3", seen=f"{address.hostname} agreed on {version}, with a certificate that checks out."
    )


def _is_refused(body: bytes) -> bool:
    try:
        parse_without_content(body)
    except ContentRefused:
        return True
    return False
