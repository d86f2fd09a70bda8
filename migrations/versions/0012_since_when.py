"""Since when a plan holds, and since when an organization pays as it goes."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE entitlement ADD COLUMN plan_since timestamptz")
    op.execute("UPDATE entitlement SET plan_since = since")
    op.execute("ALTER TABLE entitlement ALTER COLUMN plan_since SET NOT NULL")
    op.execute("ALTER TABLE billing_account ADD COLUMN metered_since timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE billing_account DROP COLUMN metered_since")
    op.execute("ALTER TABLE entitlement DROP COLUMN plan_since")
