"""What the service does when it is tried, and what its settings say."""

import os
import socket
import ssl
from datetime import datetime
from urllib.parse import urlsplit

from api.checks.service import hash_subject
from api.content.refusal import ContentRefused, parse_without_content
from api.decisions import retention
from core.formats import utc
from core.settings import Durability, Settings
from legal_docs.measures.kinds import Measure, Observation
from legal_docs.measures.services import looks_at

_TIMEOUT_S = 5
_CONTENT = (
    b'{"model": "m", "operation": "chat", "messages": [{"role": "user", "content": "Hello"}]}',
    b'{"model": "m", "operation": "chat", "metadata": {"a": {"prompt": "Hello"}}}',
)


@looks_at(Measure.CONTENT_REFUSED)
def content_refused(_settings: Settings, _now: datetime) -> Observation:
    taken = sum(not _is_refused(body) for body in _CONTENT)
    if taken:
        return Observation(is_met=False, seen=f"{taken} of {len(_CONTENT)} test requests with content were accepted.")
    return Observation(
        is_met=True, seen=f"{len(_CONTENT)} of {len(_CONTENT)} test requests with content were rejected."
    )


@looks_at(Measure.PSEUDONYMS)
def pseudonyms(_settings: Settings, _now: datetime) -> Observation:
    """The same name under two secrets."""
    one, other = (hash_subject("somebody", secret=os.urandom(32)) for _ in range(2))
    is_met = one != other and "somebody" not in one
    return Observation(
        is_met=is_met, seen=f"The same pseudonym gives different {len(one) * 4}-bit hashes for two organizations."
    )


@looks_at(Measure.DURABILITY)
def durability(settings: Settings, _now: datetime) -> Observation:
    """`process` survives the death of a process, not of the machine."""
    words = {
        Durability.DATABASE: "Responses are sent after the decision is committed to the database.",
        Durability.DISK: "Responses are sent after the decision is flushed to disk.",
        Durability.PROCESS: "Responses are sent before the decision is on disk.",
    }
    chosen = settings.decision_durability
    return Observation(is_met=chosen is not Durability.PROCESS, seen=words[chosen])


@looks_at(Measure.DELETION)
def deletion(_settings: Settings, now: datetime) -> Observation:
    last = retention.last_run_at()
    if last is None:
        return Observation(is_met=False, seen="The deletion job has not run yet.")
    return Observation(is_met=not retention.is_overdue(now=now), seen=f"The deletion job last ran on {utc(last)}.")


@looks_at(Measure.BACKUP_ENCRYPTION)
def backup_encryption(settings: Settings, _now: datetime) -> Observation:
    if not settings.backup_key:
        return Observation(is_met=False, seen="The backup key is stored with the backups.")
    return Observation(is_met=True, seen="Backups are encrypted with age. The backup storage does not have the key.")


@looks_at(Measure.TRANSPORT)
def transport(settings: Settings, _now: datetime) -> Observation:
    address = urlsplit(settings.public_url or "")
    if address.scheme != "https" or not address.hostname:
        return Observation(is_met=False, seen="The public address does not use HTTPS.")
    context = ssl.create_default_context()
    with (
        socket.create_connection((address.hostname, address.port or 443), timeout=_TIMEOUT_S) as raw,
        context.wrap_socket(raw, server_hostname=address.hostname) as secured,
    ):
        version = secured.version()
    return Observation(
        is_met=version == "TLSv1.3", seen=f"{address.hostname} negotiated {version} with a valid certificate."
    )


def _is_refused(body: bytes) -> bool:
    try:
        parse_without_content(body)
    except ContentRefused:
        return True
    return False
