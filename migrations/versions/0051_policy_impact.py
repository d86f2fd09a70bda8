"""Impact analyses of drafts of policies."""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE policy_impact (
        id uuid CONSTRAINT pk_policy_impact PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_policy_impact_organization_id REFERENCES organization (id),
        draft_id uuid NOT NULL
            CONSTRAINT fk_policy_impact_draft_id REFERENCES policy_draft (id) ON DELETE CASCADE,
        base_version integer NOT NULL,
        document jsonb NOT NULL,
        since timestamptz NOT NULL,
        until timestamptz NOT NULL,
        status text NOT NULL,
        total integer NOT NULL,
        cursor uuid,
        tally jsonb NOT NULL,
        asked_at timestamptz NOT NULL,
        asked_by_kind text NOT NULL,
        asked_by_id uuid,
        finished_at timestamptz,
        CONSTRAINT ck_policy_impact_status CHECK (status IN ('queued', 'running', 'done', 'canceled', 'failed'))
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_policy_impact_draft_id ON policy_impact (organization_id, draft_id, id)")
    op.execute("ALTER TABLE policy_impact ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE policy_impact FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON policy_impact TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON policy_impact TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON policy_impact TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON policy_impact TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE policy_impact")
