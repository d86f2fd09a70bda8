"""Machines that serve, with what waits on their disks."""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE web_machine (
        id uuid CONSTRAINT pk_web_machine PRIMARY KEY,
        name text NOT NULL,
        spool_rows bigint NOT NULL,
        spool_bytes bigint NOT NULL,
        oldest_at timestamptz,
        quarantined_rows bigint NOT NULL,
        reported_at timestamptz NOT NULL
    )
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON web_machine TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE web_machine")
