"""When and from where each key was last used."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from core.db import db

_NOTE_USES = text("""
    WITH used AS (SELECT * FROM unnest(:ids, :addresses, :times) AS used (id, address, at)),
    free AS (
        SELECT api_key.id FROM api_key JOIN used USING (id)
        WHERE last_used_at IS NULL OR last_used_at < at
        FOR NO KEY UPDATE OF api_key SKIP LOCKED
    )
    UPDATE api_key SET last_used_at = at, last_used_address = address
    FROM used JOIN free USING (id) WHERE api_key.id = used.id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("addresses", type_=ARRAY(Text)),
    bindparam("times", type_=ARRAY(DateTime(timezone=True))),
)


def note_uses(uses: Mapping[UUID, tuple[str, datetime]]) -> None:
    """Remembers the address and time of each key's last use. A key locked by somebody else is passed over this once.

    `NO KEY`, since counts of requests are written in the same seconds and lock the key that they name.
    """
    addresses, times = zip(*uses.values(), strict=True)
    db.session.execute(_NOTE_USES, {"ids": list(uses), "addresses": list(addresses), "times": list(times)})
