"""Which decision holds an idempotency key, and what an SDK decided while we were away."""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE check_idempotency (
        organization_id uuid NOT NULL
            CONSTRAINT fk_check_idempotency_organization_id REFERENCES organization (id),
        key_digest bytea NOT NULL,
        request_digest bytea NOT NULL,
        decision_id uuid NOT NULL,
        decided_at timestamptz NOT NULL,
        max_risk_score smallint NOT NULL,
        CONSTRAINT pk_check_idempotency PRIMARY KEY (organization_id, key_digest)
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_check_idempotency_decided_at ON check_idempotency (decided_at)")
    op.execute("ALTER TABLE check_idempotency ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE check_idempotency FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON check_idempotency TO aig_app USING ({TENANT})")
    op.execute("CREATE POLICY every_organization ON check_idempotency TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON check_idempotency TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON check_idempotency TO aig_system")
    op.execute("ALTER TABLE decision ADD COLUMN sdk jsonb")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE decision DROP COLUMN sdk")
    op.execute("DROP TABLE check_idempotency")
