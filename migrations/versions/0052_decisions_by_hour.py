"""Counts of decisions by the hour, and which hours have to be counted again."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE decision_hour (
        organization_id uuid CONSTRAINT fk_decision_hour_organization_id REFERENCES organization (id),
        hour timestamptz,
        environment text,
        allowed integer NOT NULL,
        blocked integer NOT NULL,
        by_value jsonb NOT NULL,
        busiest jsonb NOT NULL,
        CONSTRAINT pk_decision_hour PRIMARY KEY (organization_id, hour, environment)
    )
    """,
    "CREATE INDEX ix_decision_hour_hour ON decision_hour (hour)",
    """
    CREATE TABLE changed_decision_hour (
        organization_id uuid CONSTRAINT fk_changed_decision_hour_organization_id REFERENCES organization (id),
        hour timestamptz,
        CONSTRAINT pk_changed_decision_hour PRIMARY KEY (organization_id, hour)
    )
    """,
)
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)
    for table in ("decision_hour", "changed_decision_hour"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_organization ON {table} TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
        op.execute(f"CREATE POLICY every_organization ON {table} TO aig_system USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT ON {table} TO aig_app")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE changed_decision_hour, decision_hour")
