"""What closing took an organization out of; and jobs that an organization's role may leave, not read."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE organization ADD COLUMN closing_from text")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA jobs FROM aig_app")
    op.execute("GRANT INSERT, SELECT (id) ON jobs.procrastinate_jobs TO aig_app")
    op.execute("GRANT INSERT ON jobs.procrastinate_events TO aig_app")


def downgrade() -> None:
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO aig_app")
    op.execute("ALTER TABLE organization DROP COLUMN closing_from")
