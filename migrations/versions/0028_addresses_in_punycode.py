"""Addresses with a domain in Unicode, from before they were kept in punycode.

A row whose new address another one has already stays as it is and is reported, as is one that cannot be sent to: mail
still reaches it where the domain allows, and a person decides. What proves something (acceptances, notices, links that
were sent, the audit trail) is never rewritten. The way down changes nothing: both spellings are read by every version.
"""

import logging
from typing import Any

import idna
import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.runtime.migration")

PLACES = (
    ("app_user", "id", "email", ""),
    ("email_token", "id", "email", ""),
    ("invitation", "id", "email", ""),
    ("organization_profile", "organization_id", "contact_email", ""),
    ("organization_profile", "organization_id", "second_contact_email", ""),
    ("billing_account", "organization_id", "billing_email", ""),
    ("notification_channel", "id", "target_shown", "AND kind = 'mail'"),
    ("ticket", "id", "requester_email", ""),
    ("status_subscriber", "id", "email", ""),
)
"""Table, key, column, and which of its rows."""
BATCH = 500


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL ROLE aig_system")
    for line in move_to_punycode(op.get_bind()):
        log.warning(line)
    op.execute("SET LOCAL ROLE NONE")


def downgrade() -> None:
    pass


def move_to_punycode(connection: sa.Connection) -> list[str]:
    """What was left as it is, one line each, without the address."""
    return [line for place in PLACES for line in _move(connection, *place)]


def _move(connection: sa.Connection, table: str, key: str, column: str, which: str) -> list[str]:
    found = sa.text(
        f"SELECT {key} AS key, {column} AS address FROM {table} "
        f"WHERE {column} !~ '^[[:ascii:]]*$' AND (CAST(:after AS uuid) IS NULL OR {key} > :after) {which} "
        f"ORDER BY {key} LIMIT {BATCH}"
    )
    moved = sa.text(f"UPDATE {table} SET {column} = :new WHERE {key} = :key AND {column} = :old")
    left, after = [], None
    while rows := connection.execute(found, {"after": after}).all():
        for row in rows:
            fault = _move_one(connection, moved, row)
            if fault:
                left.append(f"{table}.{column} of {row.key}: {fault}. It stays as it is.")
        after = rows[-1].key
    return left


def _move_one(connection: sa.Connection, moved: sa.TextClause, row: sa.Row[Any]) -> str | None:
    new = punycode(row.address)
    if new is None:
        return "the address cannot be sent to"
    try:
        with connection.begin_nested():
            connection.execute(moved, {"new": new, "key": row.key, "old": row.address})
    except sa.exc.IntegrityError:
        return "another row has the same address in punycode"
    return None


def punycode(address: str) -> str | None:
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}".lower() if local and local.isascii() else None
    except idna.IDNAError:
        return None
