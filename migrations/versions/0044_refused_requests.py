"""Refused requests by hour, code and field: names that we or the organization gave, never a value."""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE refused_request_hour (
        organization_id uuid NOT NULL
            CONSTRAINT fk_refused_request_hour_organization_id REFERENCES organization (id),
        environment text,
        hour timestamptz,
        code text,
        fault text,
        field text,
        requests integer NOT NULL,
        last_at timestamptz NOT NULL,
        last_request_id text NOT NULL,
        CONSTRAINT pk_refused_request_hour PRIMARY KEY (organization_id, environment, hour, code, fault, field),
        CONSTRAINT ck_refused_request_hour_environment CHECK (environment IN ('live', 'test'))
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_refused_request_hour_hour ON refused_request_hour (hour)")
    op.execute("ALTER TABLE refused_request_hour ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE refused_request_hour FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON refused_request_hour TO aig_app USING ({TENANT})")
    op.execute("CREATE POLICY every_organization ON refused_request_hour TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON refused_request_hour TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON refused_request_hour TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE refused_request_hour")
