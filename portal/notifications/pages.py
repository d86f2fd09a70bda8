"""The pages of channels: the same for an organization and for the operators, each at their own place."""

from typing import Any
from uuid import UUID

import msgspec
from flask import flash, make_response, render_template, request

from core import mail_failures
from core.access import Audience, active_membership, actor, may, operator
from core.audit import Actor
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import AppError
from core.htmx import see_other
from core.views import ViewResponse
from portal.notifications import channels, deliveries, examples, sending
from portal.notifications.channels import MadeChannel
from portal.notifications.dispatch import attempts_of
from portal.notifications.events import EventAudience, of_audience
from portal.notifications.forms import ChannelForm, EventsForm
from portal.notifications.models import Channel
from portal.notifications.presets import PRESETS, events_of
from portal.notifications.states import CHANNEL_LABELS, DELIVERY_LABELS, KIND_LABELS, ChannelState, DeliveryState, Kind
from portal.notifications.targets import TargetRefused
from portal.paging import chosen_uuid


class Place(msgspec.Struct, frozen=True):
    """Whose channels are looked at, and where their pages are."""

    owner: UUID | None
    path: str
    by: Actor
    may_change: bool

    @property
    def audience(self) -> EventAudience:
        return channels.audience_of(self.owner)


def of_organization() -> Place:
    return Place(active_membership().organization_id, "/organization/notifications", actor(), may(Audience.ADMIN))


def of_operators() -> Place:
    return Place(None, "/console/notifications", operator(), may_change=True)


def index(place: Place) -> ViewResponse:
    return _render("index.html", place, channels=channels.every(place.owner), counts=deliveries.counts_of(place.owner))


def what_we_send(place: Place) -> ViewResponse:
    return _render("what_we_send.html", place, events=of_audience(place.audience), examples=examples.of(place.audience))


def new(place: Place) -> ViewResponse:
    """Begins with the events of a preset, if one is chosen."""
    preset = request.args.get("preset", "")
    form = ChannelForm(formdata=None, kind=Kind.WEBHOOK.value, events=events_of(place.audience, preset))
    form.offer(place.audience)
    return _render("new.html", place, form=form, preset=preset, presets=PRESETS[place.audience])


def create(place: Place) -> ViewResponse:
    form = ChannelForm()
    form.offer(place.audience)
    if not form.validate():
        return _render("new.html", place, form=form, presets={}), 422
    try:
        with transaction():
            made = _make(place, form)
            page = _shown_once(place, made)
    except AppError as refused:
        field = form.target if isinstance(refused, TargetRefused) else form.name
        field.errors = [*field.errors, refused.detail]
        return _render("new.html", place, form=form, presets={}), int(refused.status)
    if made.secret is not None:
        return page
    if made.channel.state == ChannelState.ACTIVE:
        flash("Channel created. Send a test to check that it works.")
    return see_other(f"{place.path}/{made.channel.id}")


def show(place: Place, channel_id: UUID) -> ViewResponse:
    return _channel_page(place, channels.find(place.owner, channel_id))


def choose_events(place: Place, channel_id: UUID) -> ViewResponse:
    channel, form = channels.find(place.owner, channel_id), EventsForm()
    form.offer(place.audience)
    if not form.validate():
        return _channel_page(place, channel, form), 422
    with transaction():
        channels.choose_events(
            place.owner,
            channel_id,
            events=form.events.data,
            includes_test=form.wants_test,
            by=place.by,
            now=utc_now(),
        )
    flash("Events saved.")
    return see_other(f"{place.path}/{channel_id}")


def pause(place: Place, channel_id: UUID) -> ViewResponse:
    with transaction():
        channels.pause(place.owner, channel_id, by=place.by, now=utc_now())
    flash("Channel paused. Events that occur while it is paused are not sent.")
    return see_other(f"{place.path}/{channel_id}")


def resume(place: Place, channel_id: UUID) -> ViewResponse:
    with transaction():
        channels.resume(place.owner, channel_id, by=place.by, now=utc_now())
        sending.begin_run(channels.find(place.owner, channel_id))
    flash("Channel resumed. Pending deliveries are being sent.")
    return see_other(f"{place.path}/{channel_id}")


def roll_secret(place: Place, channel_id: UUID) -> ViewResponse:
    with transaction():
        made = channels.roll_secret(place.owner, channel_id, by=place.by, now=utc_now())
        return _shown_once(place, made, is_rolled=True)


def remove(place: Place, channel_id: UUID) -> ViewResponse:
    with transaction():
        channels.remove(place.owner, channel_id, by=place.by, now=utc_now())
    flash("Channel and delivery log deleted.")
    return see_other(place.path)


def send_test(place: Place, channel_id: UUID) -> ViewResponse:
    with transaction():
        delivery = deliveries.send_test(place.owner, channel_id, by=place.by, now=utc_now())
    flash("Test queued. Reload this page to see the result.")
    return see_other(f"{place.path}/{channel_id}/deliveries/{delivery.id}")


def show_delivery(place: Place, channel_id: UUID, delivery_id: UUID) -> ViewResponse:
    delivery = deliveries.find(place.owner, channel_id, delivery_id)
    return _render(
        "delivery.html",
        place,
        channel=channels.find(place.owner, channel_id),
        delivery=delivery,
        attempts=attempts_of(delivery),
        is_final=delivery.state in {DeliveryState.DELIVERED, DeliveryState.GIVEN_UP},
        body=msgspec.json.format(msgspec.json.encode(delivery.payload), indent=2).decode(),
    )


def send_again(place: Place, channel_id: UUID, delivery_id: UUID) -> ViewResponse:
    with transaction():
        is_left = deliveries.send_again(place.owner, channel_id, delivery_id, by=place.by, now=utc_now())
    flash("Delivery queued again." if is_left else "This delivery is already queued.")
    return see_other(f"{place.path}/{channel_id}/deliveries/{delivery_id}")


def _make(place: Place, form: ChannelForm) -> MadeChannel:
    return channels.create(
        place.owner,
        kind=Kind(form.kind.data),
        name=form.name.data,
        target=form.target.data,
        events=form.events.data,
        includes_test=form.wants_test,
        by=place.by,
        now=utc_now(),
    )


def _channel_page(place: Place, channel: Channel, form: EventsForm | None = None) -> str:
    if form is None:
        form = EventsForm(formdata=None, events=channel.events, includes_test=channel.includes_test)
        form.offer(place.audience)
    page = deliveries.list_page(channel, after=chosen_uuid(request.args.get("after")))
    is_undelivered = _is_undelivered(channel)
    return _render(
        "show.html", place, channel=channel, page=page, form=form, is_undelivered=is_undelivered, now=utc_now()
    )


def _is_undelivered(channel: Channel) -> bool:
    """Whether the last mail to the address did not leave."""
    if channel.kind != Kind.MAIL:
        return False
    with acting_as_system():
        return bool(
            mail_failures.undelivered_to(
                [channel.target_shown],
                organization_id=channel.organization_id,
                templates=["notification", "notification_confirm"],
            )
        )


def _shown_once(place: Place, made: MadeChannel, *, is_rolled: bool = False) -> ViewResponse:
    answer = make_response(_render("shown_once.html", place, made=made, is_rolled=is_rolled))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _render(template: str, place: Place, **context: Any) -> str:
    return render_template(
        f"portal/notifications/{template}",
        place=place,
        kind_words=KIND_LABELS,
        channel_words=CHANNEL_LABELS,
        delivery_words=DELIVERY_LABELS,
        **context,
    )
