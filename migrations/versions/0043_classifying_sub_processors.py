"""Companies that were listed before the register knew services are given theirs by an operator."""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT UPDATE (service_type) ON sub_processor TO aig_system")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (service_type) ON sub_processor FROM aig_system")
