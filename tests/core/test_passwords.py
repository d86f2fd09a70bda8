"""Passwords: the same letters are the same password, however a keyboard composes them, and rules see whole words."""

import socket
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest
from argon2 import PasswordHasher, Type
from flask import Flask

from core import passwords
from core.clock import monotonic_s
from core.db import acting_as_system, db, transaction
from core.members import User
from core.outbound import Outbound
from core.passwords import fault_of_password, hash_password, is_password, rehashed
from tests.people import Browser, is_signed_in, log_in, make_user

COMPOSED = unicodedata.normalize("NFC", "größenwahn-café-7-Ångström")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
OLD = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_composed_and_decomposed_letters_are_one_password(chosen: str, typed: str) -> None:
    assert is_password(typed, hash_password(chosen))


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_a_hash_of_before_goes_on_opening_and_is_made_anew(app: Flask, chosen: str, typed: str) -> None:
    user_id, email = make_user(app, "Nick")
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(User, user_id).password_hash = OLD.hash(chosen)

    browser = Browser(app.test_client())

    log_in(browser, email, typed)

    assert is_signed_in(browser)
    with app.app_context(), acting_as_system():
        assert OLD.verify(db.session.get_one(User, user_id).password_hash, COMPOSED)


def test_a_hash_costs_what_owasp_asks_for_at_least(costly_hasher: PasswordHasher) -> None:
    assert (costly_hasher.type, costly_hasher.parallelism) == (Type.ID, 1)
    assert costly_hasher.time_cost >= 2
    assert costly_hasher.memory_cost >= 19 * 1024


def test_a_hash_with_older_parameters_is_made_anew_and_others_are_left() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("plum-harbour-violin-92")

    assert rehashed("plum-harbour-violin-92", weaker) is not None
    assert rehashed("plum-harbour-violin-92", hash_password("plum-harbour-violin-92")) is None
    assert rehashed(DECOMPOSED, hash_password(COMPOSED)) is None


def test_spaces_of_any_kind_are_spaces() -> None:
    assert is_password("plum harbour violin 92", hash_password("plum\u00a0harbour\u3000violin 92"))


def test_letters_that_differ_are_two_passwords() -> None:
    assert not is_password(COMPOSED.upper(), hash_password(COMPOSED))


@pytest.mark.parametrize(
    "password",
    [
        *("bendeveloper1", "BenDeveloper1!", "developerben99", "ben.developer1", "b3nd3v3l0p3r", "northwind2026"),
        *(
            "NorthwindTraders1",
            "traders-northwind",
            "ben@northwind.example",
            "bendeveloper@northwind",
            "müllerbüro2026!",
        ),
    ],
)
def test_words_of_ones_own_are_recognized_within_a_password(password: str) -> None:
    own = ("ben.developer@northwind.example", "Ben Developer", "Northwind Traders", "Müller Büro")

    assert fault_of_password(password, own_words=own, breached_passwords_url=None) is not None


@pytest.mark.parametrize(
    "password",
    ["plum-harbour-violin-92", "violin-ladder-quartz-11", "benign harbour of plums", "ben likes plum harbour violins"],
)
def test_other_words_beside_ones_own_are_fine(password: str) -> None:
    own = ("ben.developer@northwind.example", "Ben Developer", "Northwind Traders")

    assert fault_of_password(password, own_words=own, breached_passwords_url=None) is None


def test_a_breach_list_that_drips_its_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_LOOK_UP_WITHIN_S", 0.2)
    monkeypatch.setattr(passwords, "_breach_list", Outbound("test", places=1))
    with dripping_server() as url:
        began_s = monotonic_s()
        fault = fault_of_password("plum-harbour-violin-92", own_words=(), breached_passwords_url=url)

    assert fault is None
    assert monotonic_s() - began_s < 1


@contextmanager
def dripping_server() -> Iterator[str]:
    """Sends a byte every 50 ms, so that no timeout of the socket ever ends it."""
    is_over = Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not is_over.wait(0.05):
                connection.sendall(b"0")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=drip, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        is_over.set()
        thread.join(5)
