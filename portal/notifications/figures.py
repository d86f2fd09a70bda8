"""How notifications are doing, for whoever watches the service."""

from collections.abc import Iterable

from sqlalchemy import func, select

from core.db import db
from core.observability import Reading, gauge_at_scrape
from portal.notifications.models import Channel, Delivery
from portal.notifications.states import ChannelState, DeliveryState


@gauge_at_scrape("aig_notification_deliveries", "Deliveries of the last 30 days, by state.")
def deliveries() -> Iterable[Reading]:
    rows = db.session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    counts = {row[0]: row[1] for row in rows}
    return [({"state": state.value}, counts.get(state.value, 0)) for state in DeliveryState]


@gauge_at_scrape("aig_notification_channels", "Channels, by state.")
def channels() -> Iterable[Reading]:
    rows = db.session.execute(select(Channel.state, func.count()).group_by(Channel.state))
    counts = {row[0]: row[1] for row in rows}
    return [({"state": state.value}, counts.get(state.value, 0)) for state in ChannelState]


@gauge_at_scrape("aig_notification_oldest_due_seconds", "How long the delivery that is due longest has waited.")
def oldest_due() -> Iterable[Reading]:
    """0 while nothing is late; grows when the worker stands still."""
    waited = db.session.scalar(
        select(func.extract("epoch", func.now() - func.min(Delivery.next_try_at)))
        .join(Channel, Channel.id == Delivery.channel_id)
        .where(Delivery.next_try_at <= func.now(), Channel.state == ChannelState.ACTIVE.value)
    )
    return [({}, float(waited or 0))]
