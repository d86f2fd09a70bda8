"""Erasing a key, with a certificate by email for the owners: what was erased, what stays, and until when."""

from datetime import datetime, timedelta

import msgspec

from api.decisions import key_erasure
from api.keys.models import ApiKey
from core.accounts import Organization
from core.audit import Actor
from core.ids import public_id
from legal_docs.figures import BACKUP_DAYS
from portal.customer.organization.services import notify_owners


class Certificate(msgspec.Struct, frozen=True):
    key_id: str
    key_name: str
    environment: str
    decisions: int
    erased_at: datetime
    gone_from_backups_at: datetime


def erase_with_certificate(organization: Organization, key: ApiKey, *, by: Actor, now: datetime) -> Certificate:
    """Raises NotFound, or KeyStillActive."""
    key_id, name, environment = key.id, key.name, key.environment
    certificate = Certificate(
        key_id=public_id("key", key_id),
        key_name=name,
        environment=environment,
        decisions=key_erasure.erase_key(organization.id, key_id, by=by, now=now),
        erased_at=now,
        gone_from_backups_at=now + timedelta(days=BACKUP_DAYS),
    )
    notify_owners(organization, "key_erased", now=now, certificate=certificate)
    return certificate
