"""The keys that sign heads: the private one from the settings, the public ones on record for as long as heads are.

Each key signs a statement that names the key before it; the key before signs it too where the settings still have it.
Who trusts the present key so trusts those before it, and who kept an old public key can follow it to the new one. A key
that somebody merely put into the table is reached by neither way.
"""

import base64
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select

from api.ledger.models import LogSigningKey
from core import signing_keys
from core.db import db
from core.scope import needs_system_scope
from core.settings import Settings
from core.signing_keys import id_of, public_bytes

KIND = "decision-log-key/1"
_PURPOSE = b"signing heads of the decision log"


class KeyStatement(msgspec.Struct, frozen=True, kw_only=True):
    kind: str = KIND
    public_key: str
    predecessor: str | None
    first_used_at: datetime


def present_key(settings: Settings) -> Ed25519PrivateKey:
    return signing_keys.signing_key_of(settings.log_signing_key, settings.secret_key, purpose=_PURPOSE)


def key_before(settings: Settings) -> Ed25519PrivateKey | None:
    """The one that the present key took over from, where the settings still have it."""
    return signing_keys.key_before(
        given=settings.log_signing_key,
        given_before=settings.log_signing_key_previous,
        secret_key=settings.secret_key,
        secret_key_before=settings.secret_key_previous,
        purpose=_PURPOSE,
    )


@needs_system_scope
def put_on_record(settings: Settings, *, now: datetime) -> str:
    """The id of the present key, which is on record then."""
    key = present_key(settings)
    key_id = id_of(public_bytes(key))
    if db.session.get(LogSigningKey, key_id) is None:
        _add(key, key_id, before=key_before(settings), now=now)
    return key_id


def trusted_keys(settings: Settings) -> dict[str, Ed25519PublicKey]:
    """The present key and those before it, by id, as far as each statement is signed."""
    on_record = {row.id: row for row in every_key()}
    present = present_key(settings).public_key()
    trusted = {id_of(present.public_bytes_raw()): present}
    row = on_record.get(next(iter(trusted)))
    while row is not None and _is_stated(row) and row.predecessor_id not in trusted:
        row = on_record.get(row.predecessor_id or "")
        if row is not None and id_of(row.public_key) == row.id:
            trusted[row.id] = Ed25519PublicKey.from_public_bytes(row.public_key)
    return trusted


def every_key() -> list[LogSigningKey]:
    """Newest first."""
    return list(db.session.scalars(select(LogSigningKey).order_by(LogSigningKey.first_used_at.desc())))


def _add(key: Ed25519PrivateKey, key_id: str, *, before: Ed25519PrivateKey | None, now: datetime) -> None:
    last = next(iter(every_key()), None)
    public = public_bytes(key)
    statement = KeyStatement(
        public_key=base64.b64encode(public).decode(), predecessor=last.id if last else None, first_used_at=now
    )
    words = msgspec.json.encode(statement, order="sorted")
    is_from_last = before is not None and last is not None and id_of(public_bytes(before)) == last.id
    db.session.add(
        LogSigningKey(
            id=key_id,
            public_key=public,
            statement=words.decode(),
            signature=key.sign(words),
            predecessor_id=last.id if last else None,
            predecessor_signature=before.sign(words) if before is not None and is_from_last else None,
            first_used_at=now,
        )
    )
    db.session.flush()


def _is_stated(row: LogSigningKey) -> bool:
    """Whether the key itself says which was before it."""
    try:
        Ed25519PublicKey.from_public_bytes(row.public_key).verify(row.signature, row.statement.encode())
        stated = msgspec.json.decode(row.statement, type=KeyStatement)
    except (InvalidSignature, ValueError):
        return False
    return stated.public_key == base64.b64encode(row.public_key).decode() and stated.predecessor == row.predecessor_id
