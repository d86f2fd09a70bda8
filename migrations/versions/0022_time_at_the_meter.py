"""What is counted at the meter at another time than its own hour: usage that came too late for its invoice."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE usage_hour ADD COLUMN metered_at timestamptz")
    op.execute("GRANT UPDATE (metered_at) ON usage_hour TO aig_system")


def downgrade() -> None:
    op.execute("ALTER TABLE usage_hour DROP COLUMN metered_at")
