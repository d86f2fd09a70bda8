"""Passkeys (WebAuthn): they stand for the password and the second factor at once, and cannot be phished.

All of it needs the system's scope. The challenge of an exchange is taken by the view, see `challenges`.
"""

from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import webauthn
from sqlalchemy import delete, select
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.members import User
from core.scope import needs_system_scope
from portal.customer.people import accounts
from portal.customer.people.models import Passkey
from portal.customer.people.second_factor import ISSUER, FactorRequired, guards_of, notify


class PasskeyRefused(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "passkey_refused", "This passkey could not be verified"
    advice = "Try again, or log in with your password."


class Site(msgspec.Struct, frozen=True):
    """Where passkeys are good for: the address in the browser's bar."""

    base_url: str

    @property
    def rp_id(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def origin(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def can_have_passkeys(self) -> bool:
        """Browsers give none to a bare IP address."""
        try:
            ip_address(self.rp_id)
        except ValueError:
            return True
        return False


@needs_system_scope
def registration_options(user: User, *, site: Site) -> tuple[str, bytes]:
    """What the browser needs to make a passkey, as JSON, and the challenge to remember."""
    known = db.session.scalars(select(Passkey.credential_id).where(Passkey.user_id == user.id)).all()
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=ISSUER,
        user_id=user.id.bytes,
        user_name=user.email,
        user_display_name=user.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return webauthn.options_to_json(options), options.challenge


@needs_system_scope
def register(
    user: User, credential: Any, *, name: str, challenge: bytes, site: Site, by: Actor, now: datetime
) -> Passkey:
    """Raises PasskeyRefused."""
    try:
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except WebAuthnException as error:
        raise PasskeyRefused from error
    if _find(verified.credential_id) is not None:
        raise PasskeyRefused("This passkey has already been added.")
    passkey = Passkey(
        id=new_uuid(),
        user_id=user.id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        name=name,
        created_at=now,
    )
    db.session.add(passkey)
    db.session.flush()
    notify(user, "member.second_factor_added", "a passkey", by=by, now=now)
    return passkey


def sign_in_options(*, site: Site) -> tuple[str, bytes]:
    """For whoever comes: the browser offers the passkeys it has for us."""
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id, user_verification=UserVerificationRequirement.REQUIRED
    )
    return webauthn.options_to_json(options), options.challenge


def use(credential: Any, *, challenge: bytes, site: Site, now: datetime) -> User:
    """Whose passkey it is. Raises PasskeyRefused."""
    passkey = _find(_credential_id(credential), for_update=True)
    if passkey is None:
        raise PasskeyRefused("This passkey is not registered. Log in with your password.")
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except WebAuthnException as error:
        raise PasskeyRefused from error
    passkey.sign_count, passkey.last_used_at = verified.new_sign_count, now
    user = accounts.lock(passkey.user_id)
    if user.disabled_at is not None:
        raise PasskeyRefused
    return user


@needs_system_scope
def find_owner(credential: Any) -> User | None:
    """Whose passkey an answer names, right or wrong. Raises PasskeyRefused where it names none."""
    passkey = _find(_credential_id(credential))
    return db.session.get(User, passkey.user_id) if passkey else None


@needs_system_scope
def remove(user: User, passkey_id: UUID, *, by: Actor, now: datetime) -> None:
    """Raises NotFound, also for another person's; FactorRequired for an operator's last factor."""
    guards = guards_of(user.id)
    if passkey_id not in {passkey.id for passkey in guards.passkeys}:
        raise NotFound("Passkey not found. It may have been removed.")
    if user.is_operator and not guards.has_totp and len(guards.passkeys) == 1:
        raise FactorRequired
    db.session.execute(delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user.id))
    notify(user, "member.second_factor_removed", "a passkey", by=by, now=now)


def _find(credential_id: bytes, *, for_update: bool = False) -> Passkey | None:
    query = select(Passkey).where(Passkey.credential_id == credential_id)
    # the counter of its uses is compared and written, so the same answer of a device counts once
    return db.session.scalar(query.with_for_update() if for_update else query)


def _credential_id(credential: Any) -> bytes:
    try:
        return webauthn.base64url_to_bytes(credential["id"])
    except (KeyError, TypeError, ValueError) as error:
        raise PasskeyRefused from error
