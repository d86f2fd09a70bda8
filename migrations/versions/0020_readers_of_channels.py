"""By whose membership the address of a channel is known, so that the channel ends with it.

A channel by mail that nobody's membership explains any more, and that its reader never confirmed, waits for
confirmation from now on.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE notification_channel
        ADD COLUMN reader_id uuid CONSTRAINT fk_notification_channel_reader_id REFERENCES app_user (id)
    """,
    """
    UPDATE notification_channel channel SET reader_id = person.id
    FROM app_user person
    WHERE channel.kind = 'mail' AND channel.target_shown = person.email
      AND person.disabled_at IS NULL AND person.email_confirmed_at IS NOT NULL
      AND CASE WHEN channel.organization_id IS NULL THEN person.is_operator
               ELSE EXISTS (SELECT FROM membership WHERE membership.user_id = person.id
                            AND membership.organization_id = channel.organization_id) END
    """,
    """
    UPDATE notification_channel channel SET state = 'unconfirmed', stopped_because = NULL
    WHERE kind = 'mail' AND reader_id IS NULL AND state <> 'unconfirmed'
      AND NOT EXISTS (SELECT FROM audit_event WHERE action = 'notification_channel.confirmed'
                      AND subject_id = channel.id::text)
    """,
    "CREATE INDEX ix_notification_channel_reader_id ON notification_channel (reader_id) WHERE reader_id IS NOT NULL",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE notification_channel DROP COLUMN reader_id")
