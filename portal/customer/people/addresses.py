"""Changing one's e-mail address: asked for by whoever is signed in, done by whoever reads the new mailbox.

All of it needs the system's scope.
"""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from core.audit import Actor
from core.errors import AppError, FieldProblem, InvalidRequest
from core.mail import send_mail
from core.members import User, shortened
from portal.customer.people import links
from portal.customer.people.accounts import find_by_email, hold_address, lock, note
from portal.customer.people.models import Purpose
from portal.customer.people.signals import address_changed


class AddressTaken(AppError):
    status, code, title = HTTPStatus.CONFLICT, "address_taken", "This email address can't be used"
    advice = "Use a different email address."


def ask_to_change_address(user_id: UUID, *, email: str, now: datetime) -> None:
    """Sends a link to the new address. If another account has it, nothing is sent and nobody is told."""
    user = lock(user_id)
    if email == user.email:
        raise InvalidRequest(errors=(FieldProblem("email", "unchanged", "This is already your email address."),))
    send_mail("address_change_asked", to=user.email, now=now, context={"name": user.name})
    if find_by_email(email) is None:
        secret = links.issue(user, Purpose.CHANGE_ADDRESS, now=now, email=email)
        send_mail("change_address", to=email, now=now, context={"secret": secret})


def change_address(secret: str, *, by: Actor, now: datetime) -> User:
    """Uses the link up; every other link that was sent to the old address stops working. Raises AddressTaken."""
    token, user = links.find(secret, Purpose.CHANGE_ADDRESS, now=now, for_use=True)
    hold_address(token.email)
    if find_by_email(token.email) is not None:
        raise AddressTaken
    old, user.email = user.email, token.email
    token.consumed_at = now
    links.supersede(user, now=now)
    address_changed.send(user, former=old)
    note(
        user,
        "member.address_changed",
        by=by,
        now=now,
        before={"email": shortened(old)},
        after={"email": shortened(user.email)},
    )
    send_mail("address_changed", to=old, now=now, context={"name": user.name})
    return user
