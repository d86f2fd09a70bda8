"""Decisions by key: an index, and their erasure with the key, which pages offer and whose login may not delete decisions.

While the index is built, decisions are recorded in the local spool, as while the database is away.
"""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# It runs with its owner's rights, and deletes for the organization on whose behalf the transaction runs, and no other.
FUNCTION = """
CREATE FUNCTION erase_decisions_of_key(key uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    DELETE FROM decision
    WHERE organization_id = nullif(current_setting('app.organization_id', true), '')::uuid AND api_key_id = key;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_decision_api_key_id ON decision (organization_id, api_key_id, decided_at, id)")
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION erase_decisions_of_key(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION erase_decisions_of_key(uuid) TO aig_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION erase_decisions_of_key(uuid)")
    op.execute("DROP INDEX ix_decision_api_key_id")
