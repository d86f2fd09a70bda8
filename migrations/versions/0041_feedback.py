"""What customers are asked and operators record: pulses, surveys, check-ins and reviews."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE feedback (
        id uuid CONSTRAINT pk_feedback PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_feedback_organization_id REFERENCES organization (id),
        kind text NOT NULL,
        asked_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        token_hash bytea CONSTRAINT uq_feedback_token_hash UNIQUE,
        answers jsonb,
        answered_at timestamptz,
        recorded_by uuid CONSTRAINT fk_feedback_recorded_by REFERENCES app_user (id),
        stopped_at timestamptz,
        CONSTRAINT ck_feedback_kind
            CHECK (kind IN ('pulse', 'survey', 'check_in', 'quarterly_review', 'pilot_review')),
        CONSTRAINT ck_feedback_answered CHECK ((answers IS NULL) = (answered_at IS NULL))
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"
OF_CUSTOMERS = "kind IN ('pulse', 'survey')"
SHOWN = "id, organization_id, kind, asked_at, due_at, answers, answered_at, stopped_at"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_feedback_organization_id ON feedback (organization_id, kind, asked_at)")
    op.execute("ALTER TABLE feedback ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE feedback FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON feedback TO aig_app USING ({TENANT} AND {OF_CUSTOMERS})")
    op.execute("CREATE POLICY every_organization ON feedback TO aig_system USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT ({SHOWN}) ON feedback TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON feedback TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE feedback")
