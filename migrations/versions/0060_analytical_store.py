"""How far the analytical store is fed, and what was erased since and is still to be erased there."""

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE analytics_cursor (
        id smallint CONSTRAINT pk_analytics_cursor PRIMARY KEY,
        table_name text NOT NULL,
        unnumbered_after uuid,
        recorded_through bigint NOT NULL,
        begun_at timestamptz NOT NULL,
        complete_at timestamptz,
        CONSTRAINT ck_analytics_cursor_only_one CHECK (id = 1)
    );
    CREATE TABLE analytics_erasure (
        id uuid CONSTRAINT pk_analytics_erasure PRIMARY KEY,
        organization_id uuid NOT NULL,
        kind text NOT NULL,
        value text NOT NULL,
        recorded_through bigint NOT NULL,
        noted_at timestamptz NOT NULL,
        asked_at timestamptz,
        CONSTRAINT ck_analytics_erasure_kind CHECK (kind IN ('subject', 'key', 'before', 'everything'))
    );
    CREATE INDEX ix_analytics_erasure_organization_id ON analytics_erasure (organization_id);
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLES)
    op.execute("ALTER TABLE analytics_erasure ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE analytics_erasure FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON analytics_erasure TO aig_app USING ({TENANT})")
    op.execute("CREATE POLICY every_organization ON analytics_erasure TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON analytics_cursor, analytics_erasure TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON analytics_cursor, analytics_erasure TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE analytics_erasure, analytics_cursor")
