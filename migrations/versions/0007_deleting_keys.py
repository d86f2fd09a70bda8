"""Keys of a closed account can be deleted."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT DELETE ON api_key TO aig_system")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON api_key FROM aig_system")
