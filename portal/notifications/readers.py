"""Who reads the mails of a channel, and whether they agreed.

Addresses of members and operators are not asked first: they are trusted as long as the membership lasts.

`owner` is an organization, or None for the operators. All of it needs the system's scope, or enters it itself.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select

from core.db import acting_as_system, db
from core.errors import NotFound
from core.members import Membership, User
from core.rows import find_fresh, locking
from core.scope import needs_system_scope
from core.tokens import digest_of
from portal.notifications import channel_secrets
from portal.notifications.models import Channel
from portal.notifications.states import ChannelState, Kind


def known_by(owner: UUID | None, email: str) -> UUID | None:
    """The member, or the operator, who reads this address. Enters the system's scope itself."""
    with acting_as_system():
        return db.session.scalar(select(User.id).where(User.email == email, *_belongs_to(owner)))


def is_trusted(channel: Channel) -> bool:
    """False where the account that vouched for the address belongs to the owner no more, or has another address."""
    if channel.reader_id is None:
        return True
    is_theirs = User.id == channel.reader_id, User.email == channel.target_shown
    query = select(User.id).where(*is_theirs, *_belongs_to(channel.organization_id))
    return db.session.scalar(query) is not None


def read_by(owner: UUID | None, user: User) -> list[Channel]:
    """The owner's channels to this person, also those that they confirmed themselves; from now on with their id."""
    theirs = or_(Channel.reader_id == user.id, Channel.target_shown == user.email)
    query = select(Channel).where(
        Channel.organization_id.is_not_distinct_from(owner), Channel.kind == Kind.MAIL.value, theirs
    )
    found = list(db.session.scalars(locking(query)))
    for channel in found:
        channel.reader_id = user.id
    db.session.flush()
    return found


def follow(user: User) -> None:
    """Somebody has a new address: their channels lead to it, but for those of owners whom they left."""
    # a delivery under way writes to the channel too
    for channel in db.session.scalars(select(Channel).where(Channel.reader_id == user.id).with_for_update()):
        if known_by(channel.organization_id, user.email) == user.id:
            channel.sealed_target, channel.target_shown = channel_secrets.encrypt(user.email), user.email


def forget(user: User) -> None:
    """Deletes their channels with the log, wherever they were a member."""
    db.session.execute(delete(Channel).where(Channel.reader_id == user.id))


@needs_system_scope
def find_unconfirmed(token: str) -> Channel | None:
    """The channel that the holder of this link may confirm."""
    return db.session.scalar(
        select(Channel).where(Channel.confirmation == digest_of(token), Channel.state == ChannelState.UNCONFIRMED.value)
    )


@needs_system_scope
def find_to_stop(token: str) -> Channel:
    """The channel whose mails the holder of this link reads. Raises NotFound."""
    channel_id = channel_secrets.channel_to_stop(token)
    channel = find_fresh(Channel, channel_id) if channel_id else None
    if channel is None:
        raise NotFound("This channel was deleted. It sends no more notifications.")
    return channel


def _belongs_to(owner: UUID | None) -> list[ColumnElement[bool]]:
    can_sign_in = [User.disabled_at.is_(None), User.email_confirmed_at.is_not(None)]
    if owner is None:
        return [User.is_operator.is_(True), *can_sign_in]
    members = select(Membership.user_id).where(Membership.organization_id == owner)
    return [User.id.in_(members), *can_sign_in]
