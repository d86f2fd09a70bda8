"""Audits that customers book under the Data Processing Agreement."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE legal_audit (
        id uuid CONSTRAINT pk_legal_audit PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_legal_audit_organization_id REFERENCES organization (id),
        kind text NOT NULL CONSTRAINT ck_legal_audit_kind CHECK (kind IN ('audit', 'penetration_test')),
        cause text NOT NULL CONSTRAINT ck_legal_audit_cause CHECK (cause IN ('yearly', 'breach', 'authority')),
        scope text NOT NULL,
        auditor text NOT NULL,
        starts_on date NOT NULL,
        ends_on date NOT NULL,
        status text NOT NULL CONSTRAINT ck_legal_audit_status
            CHECK (status IN ('requested', 'confirmed', 'declined', 'canceled', 'completed')),
        requested_by uuid CONSTRAINT fk_legal_audit_requested_by REFERENCES app_user (id),
        requested_at timestamptz NOT NULL,
        answer_due_at timestamptz NOT NULL,
        answer text,
        answered_at timestamptz,
        answered_by uuid CONSTRAINT fk_legal_audit_answered_by REFERENCES app_user (id),
        findings text,
        ended_at timestamptz,
        CONSTRAINT ck_legal_audit_days CHECK (ends_on >= starts_on)
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_legal_audit_organization_id ON legal_audit (organization_id, id)")
    op.execute("ALTER TABLE legal_audit ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE legal_audit FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON legal_audit TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON legal_audit TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT ON legal_audit TO aig_app")
    op.execute("GRANT UPDATE (status, ended_at) ON legal_audit TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON legal_audit TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE legal_audit")
