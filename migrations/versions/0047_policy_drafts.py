"""Drafts of policies."""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE policy_draft (
        id uuid CONSTRAINT pk_policy_draft PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_policy_draft_organization_id REFERENCES organization (id),
        name text NOT NULL,
        note text NOT NULL,
        status text NOT NULL,
        revision integer NOT NULL,
        base_version integer NOT NULL,
        document jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        created_by_kind text NOT NULL,
        created_by_id uuid,
        changed_at timestamptz NOT NULL,
        published_version integer,
        CONSTRAINT ck_policy_draft_status CHECK (status IN ('open', 'published', 'discarded')),
        CONSTRAINT ck_policy_draft_published CHECK ((status = 'published') = (published_version IS NOT NULL))
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_policy_draft_organization_id ON policy_draft (organization_id, status, id)")
    op.execute("ALTER TABLE policy_draft ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE policy_draft FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON policy_draft TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON policy_draft TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON policy_draft TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON policy_draft TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE policy_draft")
