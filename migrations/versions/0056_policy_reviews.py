"""Review of policy drafts by a second person, and which keys may publish."""

from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE policy_review (
        id uuid CONSTRAINT pk_policy_review PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_policy_review_organization_id REFERENCES organization (id),
        draft_id uuid NOT NULL CONSTRAINT fk_policy_review_draft_id REFERENCES policy_draft (id) ON DELETE CASCADE,
        digest text NOT NULL,
        status text NOT NULL,
        requested_by_id uuid NOT NULL,
        requested_at timestamptz NOT NULL,
        decided_by_id uuid,
        decided_at timestamptz,
        comment text NOT NULL,
        CONSTRAINT ck_policy_review_status CHECK (status IN ('requested', 'approved', 'declined', 'withdrawn')),
        CONSTRAINT ck_policy_review_decided CHECK (
            (status IN ('approved', 'declined')) = (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)
        ),
        CONSTRAINT ck_policy_review_second_person CHECK (decided_by_id <> requested_by_id)
    )
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_policy_review_draft_id ON policy_review (organization_id, draft_id, id)")
    op.execute(
        "CREATE UNIQUE INDEX uq_policy_review_requested ON policy_review (organization_id, draft_id) "
        "WHERE status = 'requested'"
    )
    op.execute("ALTER TABLE policy_review ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE policy_review FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON policy_review TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON policy_review TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON policy_review TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON policy_review TO aig_system")
    op.execute("ALTER TABLE policy_draft ADD editors uuid[] NOT NULL DEFAULT '{}'")
    op.execute("UPDATE policy_draft SET editors = ARRAY[created_by_id] WHERE created_by_id IS NOT NULL")
    op.execute("ALTER TABLE organization ADD needs_policy_review boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE organization ADD keys_may_publish boolean NOT NULL DEFAULT false")
    # whoever has a key that publishes today goes on with it
    op.execute("""
        UPDATE organization SET keys_may_publish = true WHERE id IN (
            SELECT organization_id FROM api_key
            WHERE 'policies:publish' = ANY (scopes) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        )
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE organization DROP keys_may_publish, DROP needs_policy_review")
    op.execute("ALTER TABLE policy_draft DROP editors")
    op.execute("DROP TABLE policy_review")
