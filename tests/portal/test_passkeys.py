"""Passkeys: an answer to a challenge is taken once, by whoever was asked, for what was asked."""

import base64
import hashlib
import json
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from sqlalchemy import func, select, text
from webauthn.helpers import encode_cbor

from core.audit import AuditEvent
from core.db import acting_as_system, db, transaction
from portal.customer.people import challenges
from portal.customer.people.models import PasskeyChallenge
from tests.cast import Member
from tests.people import Browser, Person, is_signed_in

ORIGIN, RP_ID = "http://127.0.0.1:8000", "127.0.0.1"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Authenticator:
    """A passkey in software, which counts nothing, as passkeys that are synchronized do."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = hashlib.sha256(str(id(self)).encode()).digest()

    def create(self, challenge: str) -> str:
        numbers = self.key.public_key().public_numbers()
        x, y = (value.to_bytes(32, "big") for value in (numbers.x, numbers.y))
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        made = encode_cbor({"fmt": "none", "attStmt": {}, "authData": self._data(0x45) + attested})
        return self._credential({"attestationObject": b64(made)}, self._client("webauthn.create", challenge))

    def get(self, challenge: str) -> str:
        data, client = self._data(0x05), self._client("webauthn.get", challenge)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._credential({"authenticatorData": b64(data), "signature": b64(signature)}, client)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(RP_ID.encode()).digest() + bytes([flags]) + bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": ORIGIN}).encode()

    def _credential(self, response: dict[str, str], client: bytes) -> str:
        said = {**response, "clientDataJSON": b64(client)}
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": said})


def challenge_for(browser: Browser, path: str) -> str:
    return str(browser.post(path).json["challenge"])


def cookie_of(browser: Browser) -> Any:
    with browser.client.session_transaction() as cookie:
        return dict(cookie)


def put_cookie_back(browser: Browser, kept: dict[str, Any]) -> None:
    with browser.client.session_transaction() as cookie:
        cookie.clear()
        cookie.update(kept)


@pytest.fixture
def passkey(owner: Person) -> Authenticator:
    """Ada's."""
    made = Authenticator()
    answer = owner.post(
        "/account/security/passkeys",
        credential=made.create(challenge_for(owner.browser, "/account/security/passkeys/options")),
    )
    assert answer.status_code == 200
    return made


def test_a_passkey_signs_in_once_for_each_challenge(app: Flask, nobody: Browser, passkey: Authenticator) -> None:
    answer = passkey.get(challenge_for(nobody, "/log-in/passkey/options"))
    kept = cookie_of(nobody)
    first = nobody.post("/log-in/passkey", credential=answer)
    thief = Browser(app.test_client())
    put_cookie_back(thief, kept)

    again = thief.post("/log-in/passkey", credential=answer)

    assert (first.status_code, again.status_code) == (303, 422)
    assert not is_signed_in(thief)


def test_an_answer_that_was_refused_uses_its_challenge_up(nobody: Browser, passkey: Authenticator) -> None:
    challenge = challenge_for(nobody, "/log-in/passkey/options")
    kept = cookie_of(nobody)
    assert nobody.post("/log-in/passkey", credential=Authenticator().get(challenge)).status_code == 422
    put_cookie_back(nobody, kept)

    assert nobody.post("/log-in/passkey", credential=passkey.get(challenge)).status_code == 422


def test_a_registration_is_not_replayed_after_the_passkey_was_removed(owner: Person) -> None:
    made = Authenticator()
    answer = made.create(challenge_for(owner.browser, "/account/security/passkeys/options"))
    kept = cookie_of(owner.browser)
    assert owner.post("/account/security/passkeys", credential=answer).status_code == 200
    path = owner.get("/account/security").text.partition('action="/account/security/passkeys/')[2].partition('"')[0]
    assert owner.post(f"/account/security/passkeys/{path}").status_code == 303
    put_cookie_back(owner.browser, kept)

    assert owner.post("/account/security/passkeys", credential=answer).status_code == 422


def test_a_challenge_to_sign_in_registers_nothing(owner: Person) -> None:
    challenge = challenge_for(owner.browser, "/log-in/passkey/options")

    assert owner.post("/account/security/passkeys", credential=Authenticator().create(challenge)).status_code == 422


def test_a_challenge_to_register_is_for_whoever_asked(owner: Person, admin: Person) -> None:
    challenge = challenge_for(owner.browser, "/account/security/passkeys/options")
    asked = cookie_of(owner.browser)["challenge"]
    with admin.browser.client.session_transaction() as cookie:
        cookie["challenge"] = asked

    assert admin.post("/account/security/passkeys", credential=Authenticator().create(challenge)).status_code == 422


def test_a_challenge_ends_after_five_minutes(app: Flask, nobody: Browser, passkey: Authenticator) -> None:
    challenge = challenge_for(nobody, "/log-in/passkey/options")
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text("UPDATE passkey_challenge SET expires_at = expires_at - interval '6 minutes'"))

    assert nobody.post("/log-in/passkey", credential=passkey.get(challenge)).status_code == 422


def test_challenges_that_nobody_answers_are_forgotten(app: Flask, nobody: Browser) -> None:
    challenge_for(nobody, "/log-in/passkey/options")
    with app.app_context(), acting_as_system(), transaction():
        row = db.session.scalars(select(PasskeyChallenge)).one()
        challenges.forget_expired(before=row.expires_at)
        assert db.session.scalar(select(func.count()).select_from(PasskeyChallenge)) == 1
        challenges.forget_expired(before=row.expires_at + challenges.LIFE)

        assert db.session.scalar(select(func.count()).select_from(PasskeyChallenge)) == 0


def refusals(app: Flask) -> list[tuple[Any, Any, Any]]:
    with app.app_context(), acting_as_system():
        query = select(AuditEvent).where(AuditEvent.action == "member.passkey_refused").order_by(AuditEvent.id)
        return [
            (event.organization_id, event.actor_id, (event.after or {})["at"]) for event in db.session.scalars(query)
        ]


def with_wrong_signature(answer: str) -> str:
    said = json.loads(answer)
    said["response"]["signature"] = b64(b"not the signature")
    return json.dumps(said)


def test_a_wrong_answer_of_a_known_passkey_is_on_the_audit_log_of_its_owner(
    app: Flask, nobody: Browser, owner: Person, ada: Member, passkey: Authenticator
) -> None:
    answer = with_wrong_signature(passkey.get(challenge_for(nobody, "/log-in/passkey/options")))

    assert nobody.post("/log-in/passkey", credential=answer).status_code == 422

    assert refusals(app) == [(ada.organization_id, owner.user_id, "log-in")]
    assert "Passkey was rejected" in owner.get("/audit-trail").text


def test_a_replayed_answer_is_on_the_audit_log_of_its_owner(
    app: Flask, nobody: Browser, owner: Person, ada: Member, passkey: Authenticator
) -> None:
    answer = passkey.get(challenge_for(nobody, "/log-in/passkey/options"))
    kept = cookie_of(nobody)
    nobody.post("/log-in/passkey", credential=answer)
    thief = Browser(app.test_client())
    put_cookie_back(thief, kept)

    thief.post("/log-in/passkey", credential=answer)

    assert refusals(app) == [(ada.organization_id, owner.user_id, "log-in")]


@pytest.mark.parametrize("said", ["", "{", '{"id": 5}', '{"id": "aGVsbG8"}', "[" * 2000])
def test_an_answer_of_nobody_we_know_is_on_the_operators_log_without_the_address(
    app: Flask, nobody: Browser, said: str
) -> None:
    challenge_for(nobody, "/log-in/passkey/options")

    assert nobody.post("/log-in/passkey", credential=said).status_code == 422

    with app.app_context(), acting_as_system():
        (event,) = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "member.passkey_refused"))
        assert (event.organization_id, event.actor_id, event.address) == (None, None, None)


def test_a_registration_that_is_refused_or_replayed_is_on_the_audit_log(app: Flask, owner: Person, ada: Member) -> None:
    challenge = challenge_for(owner.browser, "/account/security/passkeys/options")
    answer = Authenticator().create(challenge)
    kept = cookie_of(owner.browser)
    assert owner.post("/account/security/passkeys", credential=answer).status_code == 200
    put_cookie_back(owner.browser, kept)
    assert owner.post("/account/security/passkeys", credential=answer).status_code == 422
    other = Authenticator().create(b64(b"another challenge, which nobody asked"))
    challenge_for(owner.browser, "/account/security/passkeys/options")
    assert owner.post("/account/security/passkeys", credential=other).status_code == 422

    assert refusals(app) == [(ada.organization_id, owner.user_id, "registration")] * 2


def test_a_proof_that_is_refused_is_noted_for_whoever_is_signed_in(app: Flask, owner: Person, ada: Member) -> None:
    challenge = challenge_for(owner.browser, "/log-in/passkey/options")

    owner.post("/log-in/passkey", credential=Authenticator().get(challenge))

    assert refusals(app) == [(ada.organization_id, owner.user_id, "log-in")]


def test_a_passkey_that_signs_in_leaves_no_refusal(app: Flask, nobody: Browser, passkey: Authenticator) -> None:
    answer = passkey.get(challenge_for(nobody, "/log-in/passkey/options"))

    assert nobody.post("/log-in/passkey", credential=answer).status_code == 303
    assert refusals(app) == []
