"""Whether a password is the person's own, and whether a new one may be taken. Needs the system's scope."""

from http import HTTPStatus

from core.errors import AppError, FieldProblem, InvalidRequest
from core.members import User
from core.passwords import fault_of_password, is_password, rehashed


class WrongPassword(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_password", "Incorrect password"
    advice = "Try again, or reset it on the login page."


def check(user: User | None, password: str) -> bool:
    """Whether it is theirs. Takes as long for nobody, and for somebody who may not sign in.

    A hash that was made in an older way is made anew.
    """
    stored = user.password_hash if user and not user.disabled_at else None
    is_right = is_password(password, stored)
    if is_right and user:
        user.password_hash = rehashed(password, user.password_hash) or user.password_hash
    return is_right


def refuse_weak(password: str, *, own_words: tuple[str, ...], url: str | None) -> None:
    """Raises InvalidRequest."""
    fault = fault_of_password(password, own_words=own_words, breached_passwords_url=url)
    if fault is not None:
        raise InvalidRequest(errors=(FieldProblem("password", "weak_password", fault),))
