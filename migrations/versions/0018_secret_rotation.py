"""When the service's own secrets were changed."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE secret_rotation (
            name text NOT NULL,
            fingerprint text NOT NULL,
            rotated_at timestamptz NOT NULL,
            recorded_by text NOT NULL,
            CONSTRAINT pk_secret_rotation PRIMARY KEY (name, fingerprint)
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE ON secret_rotation TO aig_system")


def downgrade() -> None:
    op.execute("DROP TABLE secret_rotation")
