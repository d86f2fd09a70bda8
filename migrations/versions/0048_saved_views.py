"""Filters of the decision log that a member saved under a name; gone with the membership."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE saved_view (
        id uuid CONSTRAINT pk_saved_view PRIMARY KEY,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        name text NOT NULL,
        query text NOT NULL,
        CONSTRAINT fk_saved_view_organization_id_user_id FOREIGN KEY (organization_id, user_id)
            REFERENCES membership (organization_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_saved_view_organization_id_user_id_name UNIQUE (organization_id, user_id, name)
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("ALTER TABLE saved_view ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE saved_view FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON saved_view TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON saved_view TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON saved_view TO aig_app, aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE saved_view")
