"""What became of requests, by day: sums of the hours, which the worker counts."""

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE request_day (
        id uuid CONSTRAINT pk_request_day PRIMARY KEY,
        organization_id uuid CONSTRAINT fk_request_day_organization_id REFERENCES organization (id),
        environment text,
        day date NOT NULL,
        answered integer NOT NULL,
        refused integer NOT NULL,
        failed integer NOT NULL,
        slow integer NOT NULL,
        latencies integer[] NOT NULL,
        CONSTRAINT ck_request_day_environment CHECK (environment IN ('live', 'test'))
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_request_day_day ON request_day (day)")
    op.execute("CREATE INDEX ix_request_day_organization_id ON request_day (organization_id)")
    op.execute("ALTER TABLE request_day ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE request_day FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON request_day TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON request_day TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON request_day TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON request_day TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE request_day")
