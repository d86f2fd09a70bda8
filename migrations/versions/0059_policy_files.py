"""The last file of policies that was pushed, to be compared with the policies in force."""

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE policy_file (
        organization_id uuid CONSTRAINT pk_policy_file PRIMARY KEY
            CONSTRAINT fk_policy_file_organization_id REFERENCES organization (id),
        policies jsonb NOT NULL,
        version integer NOT NULL,
        pushed_at timestamptz NOT NULL,
        pushed_by_id uuid NOT NULL
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("ALTER TABLE policy_file ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE policy_file FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON policy_file TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON policy_file TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON policy_file TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON policy_file TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE policy_file")
