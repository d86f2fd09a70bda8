"""Stripe: customers, subscriptions, invoices and checkouts as it tells them, its events, and the sandbox's objects."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = (
    "ALTER TABLE billing_account ADD COLUMN customer_id text CONSTRAINT uq_billing_account_customer_id UNIQUE",
    "ALTER TABLE billing_account ADD COLUMN customers_made integer NOT NULL DEFAULT 0",
    "ALTER TABLE billing_account ALTER COLUMN customers_made DROP DEFAULT",
    "ALTER TABLE billing_account ADD COLUMN billing_email text",
    "ALTER TABLE billing_account ADD COLUMN synced_at timestamptz",
    """
    CREATE TABLE subscription (
        id text CONSTRAINT pk_subscription PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_subscription_organization_id REFERENCES organization (id),
        status text NOT NULL,
        created_at timestamptz NOT NULL,
        snapshot jsonb NOT NULL,
        fetched_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_subscription_organization_id ON subscription (organization_id)",
    """
    CREATE TABLE invoice (
        id text CONSTRAINT pk_invoice PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_invoice_organization_id REFERENCES organization (id),
        subscription_id text,
        status text NOT NULL,
        created_at timestamptz NOT NULL,
        snapshot jsonb NOT NULL,
        charge jsonb,
        dispute jsonb,
        fetched_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_invoice_organization_id ON invoice (organization_id, created_at)",
    """
    CREATE TABLE checkout (
        id uuid CONSTRAINT pk_checkout PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_checkout_organization_id REFERENCES organization (id),
        session_id text NOT NULL CONSTRAINT uq_checkout_session_id UNIQUE,
        plan text NOT NULL,
        status text NOT NULL,
        payment_status text NOT NULL,
        subscription_id text,
        opened_at timestamptz NOT NULL,
        opened_by uuid CONSTRAINT fk_checkout_opened_by REFERENCES app_user (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_checkout_open ON checkout (organization_id) WHERE status = 'open'",
    """
    CREATE TABLE stripe_event (
        id text CONSTRAINT pk_stripe_event PRIMARY KEY,
        type text NOT NULL,
        is_thin boolean NOT NULL,
        livemode boolean NOT NULL,
        created_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        payload jsonb NOT NULL,
        organization_id uuid CONSTRAINT fk_stripe_event_organization_id REFERENCES organization (id),
        status text NOT NULL,
        note text,
        attempts integer NOT NULL,
        processed_at timestamptz,
        CONSTRAINT ck_stripe_event_status CHECK (status IN ('received', 'processed', 'ignored', 'failed'))
    )
    """,
    "CREATE INDEX ix_stripe_event_status ON stripe_event (status) WHERE status IN ('received', 'failed')",
    """
    CREATE TABLE sandbox_object (
        id text CONSTRAINT pk_sandbox_object PRIMARY KEY,
        number integer GENERATED ALWAYS AS IDENTITY NOT NULL,
        kind text NOT NULL,
        body jsonb NOT NULL
    )
    """,
)

OF_ONE_ORGANIZATION = ("subscription", "invoice", "checkout")
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"

GRANTS = (
    "GRANT SELECT ON subscription, invoice, checkout TO aig_app",
    "GRANT SELECT, INSERT, UPDATE ON subscription, invoice, checkout, stripe_event, sandbox_object TO aig_system",
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
    op.execute("DROP TABLE sandbox_object, stripe_event, checkout, invoice, subscription")
    op.execute("""
        ALTER TABLE billing_account DROP COLUMN synced_at, DROP COLUMN billing_email, DROP COLUMN customers_made,
            DROP COLUMN customer_id
    """)
