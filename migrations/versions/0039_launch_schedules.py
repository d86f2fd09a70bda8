"""The start of the launch plan and of each customer's go-live, who the leads are, and who was reminded."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE launch_start (
        id uuid CONSTRAINT pk_launch_start PRIMARY KEY,
        organization_id uuid CONSTRAINT fk_launch_start_organization_id REFERENCES organization (id),
        starts_at timestamptz NOT NULL,
        set_at timestamptz NOT NULL,
        CONSTRAINT uq_launch_start_organization_id UNIQUE NULLS NOT DISTINCT (organization_id)
    )
    """,
    """
    CREATE TABLE launch_lead (
        lead text CONSTRAINT pk_launch_lead PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT fk_launch_lead_user_id REFERENCES app_user (id),
        named_at timestamptz NOT NULL,
        CONSTRAINT ck_launch_lead_lead CHECK (lead IN ('engineering', 'operations', 'legal', 'product'))
    )
    """,
    """
    CREATE TABLE launch_reminder (
        start_id uuid CONSTRAINT fk_launch_reminder_start_id REFERENCES launch_start (id),
        task_code text,
        sent_at timestamptz NOT NULL,
        CONSTRAINT pk_launch_reminder PRIMARY KEY (start_id, task_code)
    )
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)
    op.execute("ALTER TABLE launch_start ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE launch_start FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY every_organization ON launch_start TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON launch_start, launch_lead TO aig_system")
    op.execute("GRANT SELECT, INSERT ON launch_reminder TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE launch_reminder, launch_lead, launch_start")
