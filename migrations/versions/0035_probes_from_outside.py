"""Probes have a source: our own worker, or a monitor outside of us."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE status_probe ADD COLUMN source text NOT NULL DEFAULT 'worker'")
    op.execute("ALTER TABLE status_probe ALTER COLUMN source DROP DEFAULT")
    op.execute(
        "ALTER TABLE status_probe ADD CONSTRAINT ck_status_probe_source CHECK (source IN ('worker', 'monitor'))"
    )
    _key("component, probed_at, source")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM status_probe WHERE source <> 'worker'")
    _key("component, probed_at")
    op.execute("ALTER TABLE status_probe DROP COLUMN source")


def _key(columns: str) -> None:
    op.execute("ALTER TABLE status_probe DROP CONSTRAINT pk_status_probe")
    op.execute(f"ALTER TABLE status_probe ADD CONSTRAINT pk_status_probe PRIMARY KEY ({columns})")
