"""Evidence of the launch board: what a signed load test, audit or attack test found, where, and of which release."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE launch_evidence (
            id uuid CONSTRAINT pk_launch_evidence PRIMARY KEY,
            kind text NOT NULL CONSTRAINT ck_launch_evidence_kind CHECK (kind IN ('load', 'audit', 'attack')),
            host text NOT NULL,
            release text NOT NULL,
            started_at timestamptz NOT NULL,
            finished_at timestamptz NOT NULL,
            keys integer NOT NULL,
            answers integer NOT NULL,
            found jsonb NOT NULL,
            received_at timestamptz NOT NULL,
            CONSTRAINT uq_launch_evidence_kind_host_finished_at UNIQUE (kind, host, finished_at)
        )
    """)
    op.execute("CREATE INDEX ix_launch_evidence_kind ON launch_evidence (kind, received_at)")
    op.execute("GRANT SELECT, INSERT ON launch_evidence TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE launch_evidence")
