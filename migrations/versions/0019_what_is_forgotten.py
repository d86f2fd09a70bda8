"""Mail that came in is forgotten with what it was about, and policies with the account."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT DELETE ON inbound_mail, policy_version TO aig_system")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON inbound_mail, policy_version FROM aig_system")
