"""What was sent to Stripe's meter, and what rounds of comparing found."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE usage_hour ADD COLUMN attempted_at timestamptz",
    "ALTER TABLE usage_hour ADD COLUMN sent_at timestamptz",
    """
    CREATE TABLE reconciliation_run (
        id uuid CONSTRAINT pk_reconciliation_run PRIMARY KEY,
        started_at timestamptz NOT NULL,
        finished_at timestamptz,
        compared integer NOT NULL,
        failed integer NOT NULL
    )
    """,
    """
    CREATE TABLE drift (
        id uuid CONSTRAINT pk_drift PRIMARY KEY,
        run_id uuid NOT NULL CONSTRAINT fk_drift_run_id REFERENCES reconciliation_run (id),
        organization_id uuid CONSTRAINT fk_drift_organization_id REFERENCES organization (id),
        about text NOT NULL,
        ours jsonb,
        theirs jsonb
    )
    """,
    "CREATE INDEX ix_drift_run_id ON drift (run_id)",
    "GRANT UPDATE (attempted_at, sent_at) ON usage_hour TO aig_system",
    "GRANT SELECT, INSERT, UPDATE ON reconciliation_run TO aig_system",
    "GRANT SELECT, INSERT ON drift TO aig_system",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE drift, reconciliation_run")
    op.execute("ALTER TABLE usage_hour DROP COLUMN sent_at, DROP COLUMN attempted_at")
