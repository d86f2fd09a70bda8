"""Versions of policies that apply to test keys alone."""

from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE policy_version ADD is_test_only boolean NOT NULL DEFAULT false, ADD draft_id uuid")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM policy_version WHERE is_test_only")
    op.execute("ALTER TABLE policy_version DROP draft_id, DROP is_test_only")
