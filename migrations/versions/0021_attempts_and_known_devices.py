"""Tries of passwords and codes are counted for each account, and browsers that were signed in before are known."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE sign_in_attempt (
            id uuid CONSTRAINT pk_sign_in_attempt PRIMARY KEY,
            kind text NOT NULL,
            account_hash bytea NOT NULL,
            origin_hash bytea NOT NULL,
            is_known boolean NOT NULL,
            occurred_at timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_sign_in_attempt_account_hash ON sign_in_attempt (account_hash, kind, occurred_at)")
    op.execute("CREATE INDEX ix_sign_in_attempt_occurred_at ON sign_in_attempt (occurred_at)")
    op.execute("""
        CREATE TABLE known_device (
            id uuid CONSTRAINT pk_known_device PRIMARY KEY,
            user_id uuid NOT NULL CONSTRAINT fk_known_device_user_id REFERENCES app_user (id),
            token_hash bytea NOT NULL,
            created_at timestamptz NOT NULL,
            last_used_at timestamptz NOT NULL,
            CONSTRAINT uq_known_device_user_id_token_hash UNIQUE (user_id, token_hash)
        )
    """)
    op.execute("CREATE INDEX ix_known_device_token_hash ON known_device (token_hash)")
    op.execute("GRANT SELECT, INSERT, DELETE ON sign_in_attempt TO aig_system")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON known_device TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE known_device, sign_in_attempt")
