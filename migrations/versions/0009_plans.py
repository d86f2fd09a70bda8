"""Plans: the access of an organization, what was given by hand, letters about money, and live checks by the hour."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ORGANIZATION = (
    "ALTER TABLE organization ADD COLUMN rests_from timestamptz",
    "ALTER TABLE organization ADD COLUMN rests_until timestamptz",
    "ALTER TABLE organization ADD COLUMN rests_because text",
    "ALTER TABLE organization ADD CONSTRAINT ck_organization_rests_because CHECK (rests_because IN ('payment', 'quota'))",
    "ALTER TABLE organization ADD CONSTRAINT ck_organization_rests CHECK ((rests_from IS NULL) = (rests_because IS NULL))",
)

TABLES = (
    """
    CREATE TABLE billing_account (
        organization_id uuid CONSTRAINT pk_billing_account PRIMARY KEY
            CONSTRAINT fk_billing_account_organization_id REFERENCES organization (id),
        is_metered_offered boolean NOT NULL,
        grant_plan text,
        grant_until timestamptz,
        grant_reason text,
        enterprise_asked_at timestamptz,
        CONSTRAINT ck_billing_account_grant CHECK ((grant_plan IS NULL) = (grant_reason IS NULL)),
        CONSTRAINT ck_billing_account_grant_plan
            CHECK (grant_plan IN ('pilot', 'free', 'pro', 'pay_as_you_go', 'enterprise'))
    )
    """,
    """
    CREATE TABLE entitlement (
        organization_id uuid CONSTRAINT pk_entitlement PRIMARY KEY
            CONSTRAINT fk_entitlement_organization_id REFERENCES organization (id),
        state text NOT NULL,
        plan text,
        reason text NOT NULL,
        since timestamptz NOT NULL,
        changes_at timestamptz,
        quota_reached_at timestamptz,
        quota_until timestamptz,
        computed_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE billing_letter (
        organization_id uuid CONSTRAINT fk_billing_letter_organization_id REFERENCES organization (id),
        template text,
        about text,
        sent_at timestamptz NOT NULL,
        CONSTRAINT pk_billing_letter PRIMARY KEY (organization_id, template, about)
    )
    """,
    """
    CREATE TABLE usage_hour (
        organization_id uuid CONSTRAINT fk_usage_hour_organization_id REFERENCES organization (id),
        hour timestamptz,
        part integer,
        checks integer NOT NULL,
        sealed_at timestamptz NOT NULL,
        CONSTRAINT pk_usage_hour PRIMARY KEY (organization_id, hour, part),
        CONSTRAINT ck_usage_hour_checks CHECK (checks > 0)
    )
    """,
    """
    CREATE TABLE usage_progress (
        id integer CONSTRAINT pk_usage_progress PRIMARY KEY,
        sealed_until timestamptz NOT NULL,
        CONSTRAINT ck_usage_progress_only CHECK (id = 1)
    )
    """,
)

OF_ONE_ORGANIZATION = ("billing_account", "entitlement", "billing_letter", "usage_hour")
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"

GRANTS = (
    "GRANT SELECT ON billing_account, entitlement, usage_hour, usage_progress TO aig_app",
    "GRANT SELECT, INSERT, UPDATE ON billing_account, entitlement, usage_progress TO aig_system",
    "GRANT SELECT, INSERT ON billing_letter, usage_hour TO aig_system",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*ORGANIZATION, *TABLES):
        op.execute(statement)
    # Whoever is live already has a pilot, as whoever is approved from now on.
    op.execute("UPDATE organization SET pilot_ends_at = created_at + interval '6 months' WHERE status = 'live' AND pilot_ends_at IS NULL")
    for table in OF_ONE_ORGANIZATION:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_organization ON {table} TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
        op.execute(f"CREATE POLICY every_organization ON {table} TO aig_system USING (true) WITH CHECK (true)")
    for statement in GRANTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE usage_progress, usage_hour, billing_letter, entitlement, billing_account")
    op.execute("ALTER TABLE organization DROP COLUMN rests_because, DROP COLUMN rests_until, DROP COLUMN rests_from")
