"""Minutes in which a limit refused requests, or let pass what left no decision."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE limit_minute (
        organization_id uuid NOT NULL CONSTRAINT fk_limit_minute_organization_id REFERENCES organization (id),
        api_key_id uuid CONSTRAINT fk_limit_minute_api_key_id REFERENCES api_key (id) ON DELETE CASCADE,
        minute timestamptz,
        undecided integer NOT NULL,
        limited_at timestamptz,
        limited_scope text,
        limited_by integer,
        CONSTRAINT pk_limit_minute PRIMARY KEY (api_key_id, minute),
        CONSTRAINT ck_limit_minute_limited_scope CHECK (limited_scope IN ('key', 'organization')),
        CONSTRAINT ck_limit_minute_limited CHECK (num_nonnulls(limited_at, limited_scope, limited_by) IN (0, 3))
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_limit_minute_minute ON limit_minute (minute)")
    op.execute("ALTER TABLE limit_minute ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE limit_minute FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON limit_minute TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON limit_minute TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON limit_minute TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE limit_minute")
