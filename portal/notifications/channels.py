"""Channels: where somebody wants to be told, and of what. `owner` is an organization, or None for the operators.

Operators' channels need the system's scope.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from core import audit
from core.accounts import Organization
from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import NotFound
from core.ids import new_uuid
from core.mail import send_mail
from core.members import Role, User, emails_of, emails_of_operators, shortened
from core.rows import read_anew
from core.scope import needs_system_scope
from core.tokens import digest_of, new_token
from portal.notifications import channel_secrets, readers, signing
from portal.notifications.egress import egress
from portal.notifications.errors import MOST_CHANNELS, ChannelExists, ChannelMoved, NoSecret, NotAgreed, TooManyChannels
from portal.notifications.events import EventAudience, of_audience
from portal.notifications.models import Channel
from portal.notifications.states import CHANNEL_MOVES, ChannelState, Kind
from portal.notifications.targets import SLACK_HOSTS, TargetRefused

OVERLAP = timedelta(hours=24)
"""How long both secrets sign after one was rolled."""


class MadeChannel(msgspec.Struct, frozen=True):
    channel: Channel
    secret: str | None = None
    """Of a webhook; shown once."""


def audience_of(owner: UUID | None) -> EventAudience:
    return EventAudience.CUSTOMER if owner else EventAudience.OPERATORS


def create(
    owner: UUID | None,
    *,
    kind: Kind,
    name: str,
    target: str,
    events: Sequence[str],
    includes_test: bool = False,
    by: Actor,
    now: datetime,
) -> MadeChannel:
    """An address that is nobody's of the owner's people gets a mail first, and nothing else before it is confirmed.

    Raises TargetRefused, ChannelExists or TooManyChannels.
    """
    target, shown = _read(kind, target)
    if len(every(owner)) >= MOST_CHANNELS:
        raise TooManyChannels
    secret = signing.new_secret() if kind is Kind.WEBHOOK else None
    reader_id = readers.known_by(owner, target) if kind is Kind.MAIL else None
    is_known = kind is not Kind.MAIL or reader_id is not None
    channel = Channel(
        id=new_uuid(),
        organization_id=owner,
        kind=kind.value,
        name=name,
        sealed_target=channel_secrets.encrypt(target),
        target_shown=shown,
        reader_id=reader_id,
        events=_known(owner, events),
        includes_test=includes_test,
        state=(ChannelState.ACTIVE if is_known else ChannelState.UNCONFIRMED).value,
        sealed_secret=channel_secrets.encrypt(secret) if secret else None,
        blocked_until=now,
        created_at=now,
    )
    _add(channel)
    if not is_known:
        _ask_to_confirm(channel, target, by=by, now=now)
    _note(
        channel, "created", by=by, now=now, after={"name": name, "kind": kind.value, "target": _for_audit_log(channel)}
    )
    return MadeChannel(channel, secret)


def every(owner: UUID | None) -> list[Channel]:
    return list(db.session.scalars(_of(owner).order_by(Channel.name)))


def find(owner: UUID | None, channel_id: UUID) -> Channel:
    """Raises NotFound, also for a channel of somebody else."""
    channel = db.session.scalar(read_anew(_of(owner).where(Channel.id == channel_id)))
    if channel is None:
        raise NotFound
    return channel


def pause(owner: UUID | None, channel_id: UUID, *, by: Actor, now: datetime) -> None:
    """What happens meanwhile is not told; what waits, waits on. Raises ChannelMoved."""
    channel = find(owner, channel_id)
    move(channel, ChannelState.PAUSED)
    _note(channel, "paused", by=by, now=now)


def resume(owner: UUID | None, channel_id: UUID, *, by: Actor, now: datetime) -> None:
    """Blocked decisions are told of from now on. Raises ChannelMoved or NotAgreed."""
    channel = find(owner, channel_id)
    if channel.state == ChannelState.UNCONFIRMED:
        raise NotAgreed
    move(channel, ChannelState.ACTIVE)
    channel.blocked_until, channel.is_isolated = now, False
    _note(channel, "resumed", by=by, now=now)


def choose_events(
    owner: UUID | None, channel_id: UUID, *, events: Sequence[str], includes_test: bool, by: Actor, now: datetime
) -> None:
    channel = find(owner, channel_id)
    before, channel.events = channel.events, _known(owner, events)
    if "decision.blocked" not in before:
        channel.blocked_until = now
    channel.includes_test = includes_test
    _note(channel, "changed", by=by, now=now, before={"events": before}, after={"events": channel.events})


def roll_secret(owner: UUID | None, channel_id: UUID, *, by: Actor, now: datetime) -> MadeChannel:
    """A new secret; for a day the old one signs too. Raises NoSecret."""
    channel = find(owner, channel_id)
    if channel.sealed_secret is None:
        raise NoSecret
    secret = signing.new_secret()
    channel.sealed_old_secret, channel.old_secret_until = channel.sealed_secret, now + OVERLAP
    channel.sealed_secret = channel_secrets.encrypt(secret)
    _note(channel, "secret_rolled", by=by, now=now)
    return MadeChannel(channel, secret)


def remove(owner: UUID | None, channel_id: UUID, *, by: Actor, now: datetime) -> None:
    """With its log."""
    channel = find(owner, channel_id)
    db.session.execute(delete(Channel).where(Channel.id == channel.id))
    _note(channel, "deleted", by=by, now=now, before={"name": channel.name, "target": _for_audit_log(channel)})


def remove_all(owner: UUID) -> None:
    """When an account ends."""
    db.session.execute(delete(Channel).where(Channel.organization_id == owner))


@needs_system_scope
def confirm(channel: Channel, *, by: Actor, now: datetime) -> None:
    """Raises ChannelMoved."""
    move(channel, ChannelState.ACTIVE)
    channel.confirmation, channel.blocked_until = None, now
    _note(channel, "confirmed", by=by, now=now)


@needs_system_scope
def stop(channel: Channel, *, by: Actor, now: datetime) -> None:
    """The reader wants no more of it: only they can begin it again. Twice is once."""
    _end(channel, "declined", because="asked", by=by, now=now)


@needs_system_scope
def end_for_reader(channel: Channel, *, by: Actor, now: datetime) -> None:
    """Whose membership vouched for the address has left, so nobody agrees to it."""
    _end(channel, "reader_left", because="left", by=by, now=now)


@needs_system_scope
def give_up(channel: Channel, because: str, *, now: datetime) -> None:
    """The receiver takes nothing any more: `failures`, or `gone`. Raises ChannelMoved."""
    db.session.flush()
    move(channel, ChannelState.FAILING, stopped_because=because)
    _note(channel, "stopped", by=SYSTEM, now=now, after={"reason": because})
    _notify_managers(channel, because, now=now)


def _end(channel: Channel, what: str, *, because: str, by: Actor, now: datetime) -> None:
    if channel.state == ChannelState.UNCONFIRMED:
        return
    move(channel, ChannelState.UNCONFIRMED)
    _note(channel, what, by=by, now=now)
    _notify_managers(channel, because, now=now)


def move(channel: Channel, to: ChannelState, *, stopped_because: str | None = None) -> None:
    """One compare-and-set. Raises ChannelMoved."""
    froms = [state.value for state, onward in CHANNEL_MOVES.items() if to in onward]
    moved = db.session.execute(
        update(Channel)
        .where(Channel.id == channel.id, Channel.state.in_(froms))
        .values(state=to.value, stopped_because=stopped_because)
        .returning(Channel.id)
    )
    if moved.first() is None:
        raise ChannelMoved
    db.session.refresh(channel)


def _notify_managers(channel: Channel, because: str, *, now: datetime) -> None:
    owner = channel.organization_id
    organization = db.session.get(Organization, owner) if owner else None
    words = {"channel": channel, "because": because, "organization": organization}
    for email in emails_of(owner, {Role.OWNER, Role.ADMIN}) if owner else emails_of_operators():
        send_mail("notification_stopped", to=email, now=now, context=words, organization_id=owner)


def owner_name(channel: Channel) -> str:
    """As the person who is asked to take mail knows it."""
    owner = channel.organization_id
    return db.session.get_one(Organization, owner).name if owner else "AI Governance"


def _of(owner: UUID | None) -> Select[Channel]:
    return select(Channel).where(Channel.organization_id.is_not_distinct_from(owner))


def _known(owner: UUID | None, events: Sequence[str]) -> list[str]:
    return [event.name for event in of_audience(audience_of(owner)) if event.name in events]


def _read(kind: Kind, target: str) -> tuple[str, str]:
    """The target as it is kept, and as it is shown."""
    if kind is Kind.MAIL:
        return target, target
    found = egress().read_target(target)
    if kind is Kind.SLACK and found.is_tls and found.host not in SLACK_HOSTS:
        raise TargetRefused("Slack webhook URLs start with https://hooks.slack.com/. For other URLs, choose Webhook.")
    return found.url, found.shown


def _add(channel: Channel) -> None:
    """The database keeps a second one of the same name out."""
    try:
        with db.session.begin_nested():
            db.session.add(channel)
    except IntegrityError as error:
        raise ChannelExists from error


def _ask_to_confirm(channel: Channel, address: str, *, by: Actor, now: datetime) -> None:
    """In the name of a confirmed address: names are free text, and the mail goes to somebody who did not ask for it."""
    token = new_token()
    channel.confirmation = digest_of(token)
    asker = db.session.scalar(select(User.email).where(User.id == by.id)) if channel.organization_id and by.id else None
    words = {"who": asker or "AI Governance", "token": token}
    send_mail("notification_confirm", to=address, now=now, context=words, organization_id=channel.organization_id)


def _for_audit_log(channel: Channel) -> str:
    return shortened(channel.target_shown) if channel.kind == Kind.MAIL else channel.target_shown


def _note(
    channel: Channel,
    what: str,
    *,
    by: Actor,
    now: datetime,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    db.session.flush()
    audit.write(
        channel.organization_id,
        f"notification_channel.{what}",
        by=by,
        now=now,
        subject_id=str(channel.id),
        before=before,
        after=after,
    )
