"""Breaches that customers suspect: when they were reported, until when we assess them, and what was found."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE suspected_breach (
        ticket_id uuid CONSTRAINT pk_suspected_breach PRIMARY KEY
            CONSTRAINT fk_suspected_breach_ticket_id REFERENCES ticket (id),
        organization_id uuid NOT NULL CONSTRAINT fk_suspected_breach_organization_id REFERENCES organization (id),
        noticed_at timestamptz NOT NULL,
        began_at timestamptz,
        reported_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        verdict text,
        assessed_at timestamptz,
        assessed_by uuid CONSTRAINT fk_suspected_breach_assessed_by REFERENCES app_user (id),
        incident_id uuid CONSTRAINT fk_suspected_breach_incident_id REFERENCES incident (id),
        CONSTRAINT ck_suspected_breach_verdict CHECK (verdict IN ('breach', 'customer_side', 'no_breach')),
        CONSTRAINT ck_suspected_breach_assessed CHECK ((verdict IS NULL) = (assessed_at IS NULL))
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_suspected_breach_organization_id ON suspected_breach (organization_id)")
    op.execute("CREATE INDEX ix_suspected_breach_due_at ON suspected_breach (due_at) WHERE assessed_at IS NULL")
    op.execute("ALTER TABLE suspected_breach ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE suspected_breach FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON suspected_breach TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON suspected_breach TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT ON suspected_breach TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON suspected_breach TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE suspected_breach")
