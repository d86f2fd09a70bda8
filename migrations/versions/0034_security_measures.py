"""What was last seen of each technical measure that the Data Processing Agreement promises."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE security_measure (
            code text CONSTRAINT pk_security_measure PRIMARY KEY,
            is_met boolean NOT NULL,
            seen text NOT NULL,
            checked_at timestamptz NOT NULL
        )
    """)
    op.execute("GRANT SELECT ON security_measure TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON security_measure TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE security_measure")
