"""Audit events by action and by who acted, which people filter by."""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_audit_event_action ON audit_event (organization_id, action, id)")
    op.execute(
        "CREATE INDEX ix_audit_event_actor ON audit_event (organization_id, actor_id, id) WHERE actor_id IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_audit_event_actor, ix_audit_event_action")
