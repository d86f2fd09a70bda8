"""Passwords: kept as argon2id, and refused if they are short, easy to guess or known from a breach."""

import hashlib
from collections.abc import Iterable
from threading import Lock
from urllib.request import Request, urlopen

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from zxcvbn import zxcvbn

log = structlog.get_logger()

MIN_LENGTH = 12
MAX_LENGTH = 256
_LEAST_SCORE = 3
"""Of zxcvbn's 0 to 4: at least ten thousand million guesses."""
_MOST_JUDGED = 24
"""Judging can take a third of a second for this many characters, seconds for more; one thread at a time may do it."""
_judging = Lock()
_LOOK_UP_WITHIN_S = 2

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The least of OWASP's recommendations for argon2id, 19 MiB; about 20 ms."""
_NOBODYS = _hasher.hash("a password that opens nothing")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def is_password(password: str, stored: str | None) -> bool:
    """Whether it is the one. Takes as long for an account that does not exist (`stored` is None)."""
    try:
        _hasher.verify(stored or _NOBODYS, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def fault_of_password(password: str, *, own_words: Iterable[str], breached_passwords_url: str | None) -> str | None:
    """Why a password cannot be taken, in a sentence for the person who chose it; None if it can."""
    if len(password) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters. Several words in a row are easy to remember."
    if len(password) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH} characters."
    with _judging:
        judged = zxcvbn(password[:_MOST_JUDGED], user_inputs=[word[:64] for word in own_words if word])
    if judged["score"] < _LEAST_SCORE:
        return "This password is among the common ones, or close to them. Choose words that do not belong together."
    if breached_passwords_url and _was_breached(password, breached_passwords_url):
        return "This password is known from a breach of another service. Choose another one, and do not use it there."
    return None


def _was_breached(password: str, url: str) -> bool:
    """Asks with the first five digits of the SHA-1 only. If nobody answers, the password is taken."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    question = Request(f"{url.rstrip('/')}/{digest[:5]}", headers={"Add-Padding": "true"})  # noqa: S310  from settings
    try:
        with urlopen(question, timeout=_LOOK_UP_WITHIN_S) as answer:  # noqa: S310
            lines = answer.read().decode("ascii", "replace").splitlines()
    except (OSError, ValueError) as error:
        log.warning("passwords.breach_list_away", error=type(error).__name__)
        return False
    return any(line.startswith(digest[5:] + ":") and not line.endswith(":0") for line in lines)
