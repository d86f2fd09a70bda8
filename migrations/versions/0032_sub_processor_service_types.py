"""What each sub-processor does for us, so that a register without one of them is noticed."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TYPES = (
    "'hosting', 'database', 'cache', 'backups', 'error_reports', 'payments', 'email', 'chat', 'monitoring', 'other'"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE sub_processor ADD COLUMN service_type text NOT NULL DEFAULT 'other'")
    op.execute(
        "ALTER TABLE sub_processor ADD CONSTRAINT ck_sub_processor_service_type"
        f" CHECK (service_type IN ({TYPES}))"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE sub_processor DROP COLUMN service_type")
