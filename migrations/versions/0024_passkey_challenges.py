"""Challenges for passkeys are kept until they are answered, so that each is answered once."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE passkey_challenge (
            id uuid CONSTRAINT pk_passkey_challenge PRIMARY KEY,
            challenge_hash bytea NOT NULL CONSTRAINT uq_passkey_challenge_challenge_hash UNIQUE,
            purpose text NOT NULL CONSTRAINT ck_passkey_challenge_purpose CHECK (purpose IN ('sign_in', 'register')),
            user_id uuid CONSTRAINT fk_passkey_challenge_user_id REFERENCES app_user (id),
            expires_at timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_passkey_challenge_expires_at ON passkey_challenge (expires_at)")
    op.execute("GRANT SELECT, INSERT, DELETE ON passkey_challenge TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE passkey_challenge")
