"""Passwords: kept as argon2id, and refused if they are short, easy to guess or known from a breach."""

import hashlib
import unicodedata
from collections.abc import Iterable
from threading import Lock
from urllib.request import Request, urlopen

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from zxcvbn import zxcvbn

from core.outbound import Outbound, Unreachable
from core.own_words import without_own_words

log = structlog.get_logger()

MIN_LENGTH = 12
MAX_LENGTH = 256
_LEAST_SCORE = 3
"""Of zxcvbn's 0 to 4: at least ten thousand million guesses."""
_MOST_JUDGED = 24
"""Judging can take a third of a second for this many characters, seconds for more; one thread at a time may do it."""
_judging = Lock()
_LONGEST_LIST_BYTES = 1_000_000
_breach_list = Outbound("breached_passwords", places=4)
_LOOK_UP_WITHIN_S = 2

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The least of OWASP's recommendations for argon2id, 19 MiB; about 20 ms."""
_NOBODYS = _hasher.hash("a password that opens nothing")


def normalized(password: str) -> str:
    """As RFC 8265 prepares passwords (OpaqueString): one way to compose letters, and one kind of space."""
    spaced = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password)
    return unicodedata.normalize("NFC", spaced)


def hash_password(password: str) -> str:
    return _hasher.hash(normalized(password))


def is_password(password: str, stored: str | None) -> bool:
    """Whether it is the one. Takes as long for an account that does not exist (`stored` is None).

    Hashes of before were made of the letters as they were sent, composed or not.
    """
    spellings = dict.fromkeys((normalized(password), password, unicodedata.normalize("NFD", password)))
    return any(_fits(stored or _NOBODYS, spelling) for spelling in spellings) and stored is not None


def rehashed(password: str, stored: str) -> str | None:
    """A new hash for a password that is right, if the one that is kept was made in an older way."""
    letters = normalized(password)
    is_as_today = not _hasher.check_needs_rehash(stored) and (letters.isascii() or _fits(stored, letters))
    return None if is_as_today else _hasher.hash(letters)


def _fits(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def fault_of_length(password: str) -> str | None:
    """What takes no time to judge, so that a form can say it beside its other errors."""
    length = len(normalized(password))
    if length < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters. A few random words are easy to remember."
    return f"Use at most {MAX_LENGTH} characters." if length > MAX_LENGTH else None


def fault_of_password(password: str, *, own_words: Iterable[str], breached_passwords_url: str | None) -> str | None:
    """Why a password cannot be taken, in a sentence for the person who chose it; None if it can."""
    password = normalized(password)
    fault = fault_of_length(password)
    if fault is not None:
        return fault
    words = [word[:64] for word in own_words if word]
    if _is_common(password, words):
        return "This password is too common. Choose a few unrelated words."
    rest = without_own_words(password, words)
    if rest is not None and _is_common(rest, words):
        return "This password is too similar to your name, email address or organization. Choose different words."
    if breached_passwords_url and _was_breached(password, breached_passwords_url):
        return "This password appeared in a data breach. Choose another one, and stop using this one elsewhere."
    return None


def _is_common(password: str, words: list[str]) -> bool:
    if not password:
        return True
    with _judging:
        return bool(zxcvbn(password[:_MOST_JUDGED], user_inputs=words)["score"] < _LEAST_SCORE)


def _lines_of(question: Request) -> list[str]:
    with urlopen(question, timeout=_LOOK_UP_WITHIN_S) as answer:  # noqa: S310
        text: str = answer.read(_LONGEST_LIST_BYTES).decode("ascii", "replace")
    return text.splitlines()


def _was_breached(password: str, url: str) -> bool:
    """Asks with the first five digits of the SHA-1 only. If nobody answers, the password is taken."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    question = Request(f"{url.rstrip('/')}/{digest[:5]}", headers={"Add-Padding": "true"})  # noqa: S310  from settings
    try:
        lines = _breach_list.call(lambda: _lines_of(question), within_s=_LOOK_UP_WITHIN_S)
    except (OSError, ValueError, Unreachable) as error:
        log.warning("passwords.breach_list_away", error=type(error).__name__)
        return False
    return any(line.startswith(digest[5:] + ":") and not line.endswith(":0") for line in lines)
