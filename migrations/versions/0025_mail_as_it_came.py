"""Mail that comes in is kept as it came before anybody reads it, and waits for an operator where nobody understands it."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE inbound_mail DROP CONSTRAINT pk_inbound_mail",
    "ALTER TABLE inbound_mail ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid()",
    "ALTER TABLE inbound_mail ALTER COLUMN id DROP DEFAULT",
    "ALTER TABLE inbound_mail ADD CONSTRAINT pk_inbound_mail PRIMARY KEY (id)",
    "ALTER TABLE inbound_mail ALTER COLUMN message_id DROP NOT NULL",
    """
    ALTER TABLE inbound_mail
        ADD COLUMN ticket_message_id uuid, ADD COLUMN sender_id uuid, ADD COLUMN sender text, ADD COLUMN subject text,
        ADD COLUMN words text, ADD COLUMN raw bytea, ADD COLUMN fingerprint bytea, ADD COLUMN reason text,
        ADD COLUMN raw_hash bytea CONSTRAINT uq_inbound_mail_raw_hash UNIQUE
    """,
    "ALTER TABLE inbound_mail DROP CONSTRAINT ck_inbound_mail_outcome",
    """
    ALTER TABLE inbound_mail ADD CONSTRAINT ck_inbound_mail_outcome CHECK (outcome IN (
        'received', 'opened', 'added', 'noted', 'duplicate', 'quarantined', 'dismissed', 'ignored'
    ))
    """,
    """
    CREATE INDEX ix_inbound_mail_waiting ON inbound_mail (received_at)
        WHERE outcome IN ('received', 'quarantined')
    """,
    "CREATE INDEX ix_inbound_mail_fingerprint ON inbound_mail (fingerprint)",
    "CREATE INDEX ix_inbound_mail_ticket_id ON inbound_mail (ticket_id)",
)

DOWN = (
    "DROP INDEX ix_inbound_mail_ticket_id",
    "DROP INDEX ix_inbound_mail_fingerprint",
    "DROP INDEX ix_inbound_mail_waiting",
    "DELETE FROM inbound_mail WHERE message_id IS NULL",
    """
    DELETE FROM inbound_mail AS later USING inbound_mail AS first
        WHERE later.message_id = first.message_id AND later.id > first.id
    """,
    """
    UPDATE inbound_mail SET outcome = 'ignored' WHERE outcome IN ('received', 'duplicate', 'quarantined', 'dismissed')
    """,
    "ALTER TABLE inbound_mail DROP CONSTRAINT ck_inbound_mail_outcome",
    """
    ALTER TABLE inbound_mail ADD CONSTRAINT ck_inbound_mail_outcome
        CHECK (outcome IN ('opened', 'added', 'noted', 'ignored'))
    """,
    "ALTER TABLE inbound_mail DROP CONSTRAINT pk_inbound_mail",
    "ALTER TABLE inbound_mail ADD CONSTRAINT pk_inbound_mail PRIMARY KEY (message_id)",
    """
    ALTER TABLE inbound_mail
        DROP COLUMN id, DROP COLUMN ticket_message_id, DROP COLUMN sender_id, DROP COLUMN sender, DROP COLUMN subject,
        DROP COLUMN words, DROP COLUMN raw, DROP COLUMN raw_hash, DROP COLUMN fingerprint, DROP COLUMN reason
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in DOWN:
        op.execute(statement)
