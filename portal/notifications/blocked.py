"""Blocked decisions: looked for each minute for all channels that want to know at once, never on the way of a check.

One delivery a minute and channel says how many, which came first and why; it holds nothing of a decision's metadata or
subject. Decisions that come home from a spool later than `SETTLED_AFTER` are in the log, and are not told of here.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from api.decisions import statistics
from api.keys.token import KeyEnvironment
from core.db import db
from core.formats import iso
from core.ids import new_uuid, public_id
from core.rows import find_locked
from core.scope import needs_system_scope
from portal.notifications import deliveries
from portal.notifications.events import BLOCKED
from portal.notifications.models import Channel
from portal.notifications.states import ChannelState

SETTLED_AFTER = timedelta(seconds=30)
"""Decisions may reach the log a little after they were made."""
IDS_AT_MOST = 20
REASONS_AT_MOST = 20


@needs_system_scope
def to_notify(*, now: datetime) -> list[tuple[UUID, UUID]]:
    """Channels for which something was blocked, each with its organization.

    All others have been looked at then. Two statements, however many there are.
    """
    until = now - SETTLED_AFTER
    waits = (
        Channel.state == ChannelState.ACTIVE.value,
        Channel.organization_id.is_not(None),
        Channel.events.contains([BLOCKED.name]),
        Channel.blocked_until < until,
    )
    something = statistics.was_blocked(
        Channel.organization_id,
        since=Channel.blocked_until,
        to=until,
        includes_test=Channel.includes_test,
    )
    # a channel that is held is served just now, and looked at again in a minute
    quiet = select(Channel.id).where(*waits, ~something).order_by(Channel.id).with_for_update(skip_locked=True)
    db.session.execute(
        update(Channel)
        .where(Channel.id.in_(quiet))
        .values(blocked_until=until)
        .execution_options(synchronize_session=False)
    )
    rows = db.session.execute(select(Channel.id, Channel.organization_id).where(*waits).order_by(Channel.id))
    return [(channel_id, owner) for channel_id, owner in rows if owner is not None]


def notify(channel_id: UUID, *, now: datetime) -> bool:
    """Leaves a delivery about what was blocked since the last look, if anything was. Looks at nothing twice."""
    channel = find_locked(Channel, channel_id)
    if channel is None or channel.organization_id is None or channel.state != ChannelState.ACTIVE:
        return False
    since, until = channel.blocked_until, now - SETTLED_AFTER
    if until <= since:
        return False
    channel.blocked_until = until
    data = _counted(channel.organization_id, includes_test=channel.includes_test, since=since, until=until)
    if not data["count"]:
        return False
    event_id = new_uuid()
    body = deliveries.body_of(BLOCKED, event_id, about=channel.organization_id, data=data, now=now)
    deliveries.leave(channel, BLOCKED, event_id, body, now=now)
    return True


def _counted(organization_id: UUID, *, includes_test: bool, since: datetime, until: datetime) -> dict[str, Any]:
    environments = [KeyEnvironment.LIVE.value, *([KeyEnvironment.TEST.value] if includes_test else [])]
    reasons: dict[str, int] = {}
    first: list[UUID] = []
    count = 0
    for environment in environments:
        found = statistics.blocked_in(organization_id, environment=environment, since=since, to=until, most=IDS_AT_MOST)
        count += found.decisions
        first += found.first
        for reason in found.reasons:
            reasons[reason.reason] = reasons.get(reason.reason, 0) + reason.decisions
    return {
        "count": count,
        "from": iso(since),
        "until": iso(until),
        "environments": environments,
        "decision_ids": [public_id("dec", identifier) for identifier in sorted(first)[:IDS_AT_MOST]],
        "reasons": dict(sorted(reasons.items(), key=lambda item: -item[1])[:REASONS_AT_MOST]),
    }
