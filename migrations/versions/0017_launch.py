"""The launch board: what checks found, who confirmed what, signatures and decisions. Of operators alone."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE launch_result (
        check_code text CONSTRAINT pk_launch_result PRIMARY KEY,
        is_green boolean NOT NULL,
        seen text NOT NULL,
        to_do text NOT NULL,
        checked_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE launch_confirmation (
        item_code text NOT NULL,
        period text NOT NULL,
        user_id uuid NOT NULL CONSTRAINT fk_launch_confirmation_user_id REFERENCES app_user (id),
        words text NOT NULL,
        confirmed_at timestamptz NOT NULL,
        CONSTRAINT pk_launch_confirmation PRIMARY KEY (item_code, period)
    )
    """,
    """
    CREATE TABLE launch_signature (
        lead text CONSTRAINT pk_launch_signature PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT fk_launch_signature_user_id REFERENCES app_user (id),
        signed_at timestamptz NOT NULL,
        CONSTRAINT ck_launch_signature_lead CHECK (lead IN ('engineering', 'operations', 'legal', 'product'))
    )
    """,
    """
    CREATE TABLE launch_decision (
        id uuid CONSTRAINT pk_launch_decision PRIMARY KEY,
        is_go boolean NOT NULL,
        reason text NOT NULL,
        decided_by uuid NOT NULL CONSTRAINT fk_launch_decision_decided_by REFERENCES app_user (id),
        decided_at timestamptz NOT NULL,
        seen jsonb NOT NULL
    )
    """,
)

GRANTS = (
    "GRANT SELECT, INSERT, UPDATE ON launch_result TO aig_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON launch_confirmation, launch_signature TO aig_system",
    "GRANT SELECT, INSERT ON launch_decision TO aig_system",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*TABLES, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE launch_decision, launch_signature, launch_confirmation, launch_result")
