"""What the worker does about keys: revokes what was reported as leaked, reminds of what is old or ends soon."""

from datetime import datetime, timedelta

from api.keys import lookup
from api.keys import services as keys
from api.keys.models import ApiKey
from core import audit
from core.accounts import Organization
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, in_its_own_session, isolate_errors, jobs
from portal.customer.keys.overview import ROTATE_AFTER
from portal.customer.organization.services import notify_owners

DAILY_AT_SEVEN = "0 7 * * *"
REMINDED = "api_key.rotation_reminded"
END_REMINDED = "api_key.expiry_reminded"
HOURLY = "0 * * * *"
WARN_BEFORE_END = timedelta(days=7, hours=2)
"""A week at least, though the clock strikes once an hour, and may miss an hour."""


@jobs.task()
@in_its_own_session
def revoke_leaked_key(digest: str, place: str) -> None:
    """Ends the key with this SHA-256, if there is one and it still opens something, and tells the owners."""
    now = utc_now()
    with acting_as_system(), transaction():
        key = lookup.find_by_digest(bytes.fromhex(digest))
        if key is None or not key.is_live_at(now):
            return
        keys.revoke(key.organization_id, key.id, reason="reported as leaked", by=SYSTEM, now=now)
        organization = db.session.get_one(Organization, key.organization_id)
        notify_owners(organization, "key_leaked", now=now, key=key, place=place)


@jobs.periodic(cron=DAILY_AT_SEVEN)
@jobs.task(queueing_lock="remind_of_old_keys", queue=Queue.LONG)
@in_its_own_session
def remind_of_old_keys(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """One mail about each live key when it is 90 days old; that it was sent is on the audit log."""
    now = utc_now()
    with acting_as_system():
        old = lookup.list_unrotated(made_before=now - ROTATE_AFTER, now=now, unless_action=REMINDED)
        _remind_of_each(old, "key_old", REMINDED, now=now)


@jobs.periodic(cron=HOURLY)
@jobs.task(queueing_lock="remind_of_ending_keys", queue=Queue.LONG)
@in_its_own_session
def remind_of_ending_keys(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """One mail about each live key at least a week before it expires, unless it was rotated."""
    now = utc_now()
    with acting_as_system():
        ending = lookup.list_ending(before=now + WARN_BEFORE_END, now=now, unless_action=END_REMINDED)
        _remind_of_each(ending, "key_ending", END_REMINDED, now=now)


def _remind_of_each(found: list[ApiKey], template: str, action: str, *, now: datetime) -> None:
    """Each in a transaction of its own: one that fails holds up no other, and a mail leaves before all are written."""
    key_ids = [(key.organization_id, key.id) for key in found]
    db.session.rollback()
    for organization_id, key_id in key_ids:
        with isolate_errors("api_key.not_reminded", organization_id), transaction():
            _remind(db.session.get_one(ApiKey, key_id), template, action, now=now)


def _remind(key: ApiKey, template: str, action: str, *, now: datetime) -> None:
    organization = db.session.get_one(Organization, key.organization_id)
    notify_owners(organization, template, now=now, key=key)
    after = {"expires_at": key.expires_at.isoformat()} if key.expires_at else None
    audit.write(organization.id, action, by=SYSTEM, now=now, subject_id=lookup.shown_id(key), after=after)
