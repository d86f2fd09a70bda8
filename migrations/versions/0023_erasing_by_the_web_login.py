"""Erasing one person's decisions without the role that may delete all: pages offer it, and their login lacks that role."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# It runs with its owner's rights, and deletes for the organization on whose behalf the transaction runs, and no other.
FUNCTION = """
CREATE FUNCTION erase_decisions_about(about bytea) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    DELETE FROM decision
    WHERE organization_id = nullif(current_setting('app.organization_id', true), '')::uuid AND subject = about;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION erase_decisions_about(bytea) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION erase_decisions_about(bytea) TO aig_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION erase_decisions_about(bytea)")
