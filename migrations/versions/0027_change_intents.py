"""What is to be written at Stripe is on record before it is asked, with the key that it is given.

`billing_account.pending`, which did so for refunds alone, stays for the software before this.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE change_intent (
            id uuid CONSTRAINT pk_change_intent PRIMARY KEY,
            organization_id uuid NOT NULL CONSTRAINT fk_change_intent_organization_id REFERENCES organization (id),
            kind text NOT NULL,
            wanted jsonb NOT NULL,
            actor_kind text NOT NULL,
            actor_id uuid,
            begun_at timestamptz NOT NULL,
            unsure_until timestamptz NOT NULL,
            outcome text CONSTRAINT ck_change_intent_outcome
                CHECK (outcome IN ('made', 'not_made', 'refused', 'given_up')),
            settled_at timestamptz
        )
    """)
    op.execute("CREATE UNIQUE INDEX uq_change_intent_open ON change_intent (organization_id) WHERE outcome IS NULL")
    op.execute("CREATE INDEX ix_change_intent_organization_id ON change_intent (organization_id)")
    op.execute("ALTER TABLE change_intent ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE change_intent FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON change_intent TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON change_intent TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON change_intent TO aig_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON change_intent TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE change_intent")
