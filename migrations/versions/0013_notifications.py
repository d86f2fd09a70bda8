"""Channels for notifications, what was sent through them, and the alerts that we were told of."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE notification_channel (
        id uuid CONSTRAINT pk_notification_channel PRIMARY KEY,
        organization_id uuid CONSTRAINT fk_notification_channel_organization_id REFERENCES organization (id),
        kind text NOT NULL,
        name text NOT NULL,
        sealed_target bytea NOT NULL,
        target_shown text NOT NULL,
        events jsonb NOT NULL,
        includes_test boolean NOT NULL,
        state text NOT NULL,
        stopped_because text,
        sealed_secret bytea,
        sealed_old_secret bytea,
        old_secret_until timestamptz,
        confirmation bytea CONSTRAINT uq_notification_channel_confirmation UNIQUE,
        blocked_until timestamptz NOT NULL,
        busy_until timestamptz,
        is_apart boolean NOT NULL,
        delivered_at timestamptz,
        created_at timestamptz NOT NULL,
        CONSTRAINT ck_notification_channel_kind CHECK (kind IN ('mail', 'slack', 'webhook')),
        CONSTRAINT ck_notification_channel_state CHECK (state IN ('unconfirmed', 'active', 'paused', 'failing')),
        CONSTRAINT ck_notification_channel_stopped_because CHECK (stopped_because IN ('failures', 'gone')),
        CONSTRAINT ck_notification_channel_stopped CHECK ((state = 'failing') = (stopped_because IS NOT NULL)),
        CONSTRAINT ck_notification_channel_secret CHECK ((kind = 'webhook') = (sealed_secret IS NOT NULL)),
        CONSTRAINT uq_notification_channel_organization_id_name UNIQUE NULLS NOT DISTINCT (organization_id, name)
    )
    """,
    """
    CREATE TABLE notification_delivery (
        id uuid CONSTRAINT pk_notification_delivery PRIMARY KEY,
        channel_id uuid NOT NULL CONSTRAINT fk_notification_delivery_channel_id
            REFERENCES notification_channel (id) ON DELETE CASCADE,
        organization_id uuid CONSTRAINT fk_notification_delivery_organization_id REFERENCES organization (id),
        event_id uuid NOT NULL,
        event text NOT NULL,
        payload json NOT NULL,
        state text NOT NULL,
        tries integer NOT NULL,
        attempts jsonb NOT NULL,
        next_try_at timestamptz,
        created_at timestamptz NOT NULL,
        CONSTRAINT ck_notification_delivery_state CHECK (state IN ('waiting', 'delivered', 'failed', 'given_up')),
        CONSTRAINT ck_notification_delivery_next_try_at
            CHECK ((state IN ('waiting', 'failed')) = (next_try_at IS NOT NULL)),
        CONSTRAINT uq_notification_delivery_channel_id_event_id UNIQUE (channel_id, event_id)
    )
    """,
    "CREATE INDEX ix_notification_delivery_channel_id ON notification_delivery (channel_id, id)",
    "CREATE INDEX ix_notification_delivery_due ON notification_delivery (next_try_at) WHERE next_try_at IS NOT NULL",
    """
    CREATE TABLE alert (
        fingerprint text NOT NULL,
        started_at timestamptz NOT NULL,
        name text NOT NULL,
        severity text,
        summary text,
        resolved_at timestamptz,
        CONSTRAINT pk_alert PRIMARY KEY (fingerprint, started_at)
    )
    """,
)

OF_ONE_ORGANIZATION = ("notification_channel", "notification_delivery")
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"

GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON notification_channel TO aig_app, aig_system",
    "GRANT SELECT, INSERT, UPDATE ON notification_delivery TO aig_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON notification_delivery, alert TO aig_system",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)
    for table in OF_ONE_ORGANIZATION:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_organization ON {table} TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
        op.execute(f"CREATE POLICY every_organization ON {table} TO aig_system USING (true) WITH CHECK (true)")
    for statement in GRANTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE alert, notification_delivery, notification_channel")
