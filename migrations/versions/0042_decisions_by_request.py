"""Decisions by request id, which whoever has an answer of ours searches the log for.

While the index is built, decisions are recorded in the local spool, as while the database is away.
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_decision_request_id ON decision (organization_id, request_id)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_decision_request_id")
