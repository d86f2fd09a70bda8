"""What became of requests to the check API: by hour for each organization, by day for each key."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE request_hour (
        id uuid CONSTRAINT pk_request_hour PRIMARY KEY,
        organization_id uuid CONSTRAINT fk_request_hour_organization_id REFERENCES organization (id),
        environment text,
        hour timestamptz NOT NULL,
        answered integer NOT NULL,
        refused integer NOT NULL,
        failed integer NOT NULL,
        slow integer NOT NULL,
        latencies integer[] NOT NULL,
        CONSTRAINT uq_request_hour_organization_id_environment_hour UNIQUE NULLS NOT DISTINCT (organization_id, environment, hour),
        CONSTRAINT ck_request_hour_environment CHECK (environment IN ('live', 'test'))
    )
    """,
    "CREATE INDEX ix_request_hour_hour ON request_hour (hour)",
    """
    CREATE TABLE key_request_day (
        organization_id uuid NOT NULL CONSTRAINT fk_key_request_day_organization_id REFERENCES organization (id),
        api_key_id uuid CONSTRAINT fk_key_request_day_api_key_id REFERENCES api_key (id) ON DELETE CASCADE,
        day date,
        requests integer NOT NULL,
        limited integer NOT NULL,
        CONSTRAINT pk_key_request_day PRIMARY KEY (api_key_id, day)
    )
    """,
    "CREATE INDEX ix_key_request_day_day ON key_request_day (day)",
)
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)
    for table in ("request_hour", "key_request_day"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_organization ON {table} TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
        op.execute(f"CREATE POLICY every_organization ON {table} TO aig_system USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT ON {table} TO aig_app")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE key_request_day, request_hour")
