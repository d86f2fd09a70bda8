"""A backup before each release has a kind of its own."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

BEFORE = "'nightly', 'before-migration', 'before-restore', 'by-hand', 'verification', 'restore'"
AFTER = f"'before-release', {BEFORE}"


def upgrade() -> None:
    _allow(AFTER)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("UPDATE backup_run SET kind = 'by-hand' WHERE kind = 'before-release'")
    _allow(BEFORE)


def _allow(kinds: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE backup_run DROP CONSTRAINT ck_backup_run_kind")
    op.execute(f"ALTER TABLE backup_run ADD CONSTRAINT ck_backup_run_kind CHECK (kind IN ({kinds}))")
