"""A usage hour is claimed by whoever sends it, so that its row is not held while Stripe is asked."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE usage_hour ADD COLUMN claimed_until timestamptz")
    op.execute("GRANT UPDATE (claimed_until) ON usage_hour TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE usage_hour DROP COLUMN claimed_until")
