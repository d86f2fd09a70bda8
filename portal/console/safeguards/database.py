"""What the database itself says: who may read and change what, and how secrets are kept."""

from datetime import datetime

from sqlalchemy import text

from core.db import DatabaseRole, db
from core.settings import Settings
from legal_docs.measures.kinds import Measure, Observation
from legal_docs.measures.services import looks_at

_ADDED_TO_ONLY = ("decision", "audit_event", "legal_acceptance", "legal_version")
_WITHOUT_ROW_SECURITY = text("""
    SELECT DISTINCT c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND has_table_privilege(:role, c.oid, 'SELECT')
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    ORDER BY 1
""")
_WITH_ROW_SECURITY = text("SELECT count(*) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
_OWNED = text("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = :role")
_MAY = text("SELECT has_table_privilege(:role, :table, 'UPDATE') OR has_table_privilege(:role, :table, 'DELETE')")
_ODD_KEYS = text("SELECT count(*) FROM api_key WHERE octet_length(token_hash) <> 32")
_KEYS = text("SELECT count(*) FROM api_key")
_ODD_PASSWORDS = text(
    "SELECT count(*) FROM app_user WHERE password_hash <> '' AND password_hash NOT LIKE '$argon2id$%'"
)
_PASSWORDS = text("SELECT count(*) FROM app_user WHERE password_hash <> ''")


@looks_at(Measure.SEPARATION)
def separation(_settings: Settings, _now: datetime) -> Observation:
    role = {"role": DatabaseRole.APP.value}
    bare = db.session.scalars(_WITHOUT_ROW_SECURITY, role).all()
    owned = _count(_OWNED, **role)
    if bare or owned:
        return Observation(
            is_met=False, seen=f"Without row-level security: {', '.join(bare) or 'none'}. Tables it owns: {owned}."
        )
    return Observation(
        is_met=True,
        seen=(
            f"Row-level security is active on all {_count(_WITH_ROW_SECURITY)} tables with customer data. "
            "The application's role owns no tables."
        ),
    )


@looks_at(Measure.INTEGRITY)
def integrity(_settings: Settings, _now: datetime) -> Observation:
    """Neither the role of pages nor the system's."""
    changeable = [
        f"{table} by {role.value}"
        for table in _ADDED_TO_ONLY
        for role in (DatabaseRole.APP, DatabaseRole.SYSTEM)
        if db.session.scalar(_MAY, {"role": role.value, "table": table})
    ]
    if changeable:
        return Observation(is_met=False, seen=f"Rows can be changed: {', '.join(changeable)}.")
    return Observation(
        is_met=True,
        seen="Neither database role can change or delete decisions, the audit log, acceptances or published documents.",
    )


@looks_at(Measure.KEYS)
def keys(_settings: Settings, _now: datetime) -> Observation:
    odd = _count(_ODD_KEYS)
    if odd:
        return Observation(is_met=False, seen=f"{odd} keys are not stored as 256-bit hashes.")
    return Observation(is_met=True, seen=f"API keys: {_count(_KEYS)}, all stored as 256-bit hashes.")


@looks_at(Measure.PASSWORDS)
def passwords(_settings: Settings, _now: datetime) -> Observation:
    odd = _count(_ODD_PASSWORDS)
    if odd:
        return Observation(is_met=False, seen=f"{odd} passwords are not stored as argon2id hashes.")
    return Observation(is_met=True, seen=f"Passwords: {_count(_PASSWORDS)}, all stored as argon2id hashes.")


def _count(query: object, **values: str) -> int:
    return int(db.session.scalar(query, values) or 0)  # type: ignore[call-overload]
