"""What pages show of Stripe without asking it, and since when a subscription is in arrears.

Events that failed because Stripe did not answer are tried again.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE billing_account
            ADD COLUMN version integer NOT NULL DEFAULT 0,
            ADD COLUMN asked_at timestamptz,
            ADD COLUMN customer jsonb,
            ADD COLUMN customer_gone_at timestamptz,
            ADD COLUMN pending jsonb,
            ADD COLUMN preview jsonb
    """)
    op.execute("ALTER TABLE subscription ADD COLUMN unpaid_since timestamptz")
    op.execute("UPDATE stripe_event SET status = 'received' WHERE status = 'failed' AND note LIKE 'PaymentsAway%'")


def downgrade() -> None:
    op.execute("ALTER TABLE subscription DROP COLUMN unpaid_since")
    op.execute("""
        ALTER TABLE billing_account
            DROP COLUMN version, DROP COLUMN asked_at, DROP COLUMN customer, DROP COLUMN customer_gone_at,
            DROP COLUMN pending, DROP COLUMN preview
    """)
