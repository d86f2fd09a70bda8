"""When a signer was shown a document, opened it and downloaded it."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"

SIGHTINGS = (
    """
    CREATE TABLE legal_sighting (
        id uuid CONSTRAINT pk_legal_sighting PRIMARY KEY,
        organization_id uuid NOT NULL CONSTRAINT fk_legal_sighting_organization_id REFERENCES organization (id),
        version_id uuid NOT NULL CONSTRAINT fk_legal_sighting_version_id REFERENCES legal_version (id),
        user_id uuid CONSTRAINT fk_legal_sighting_user_id REFERENCES app_user (id),
        delegation_id uuid CONSTRAINT fk_legal_sighting_delegation_id REFERENCES legal_delegation (id),
        event text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT ck_legal_sighting_signer CHECK (num_nonnulls(user_id, delegation_id) = 1),
        CONSTRAINT uq_legal_sighting_once
            UNIQUE NULLS NOT DISTINCT (organization_id, version_id, user_id, delegation_id, event)
    )
    """,
    "ALTER TABLE legal_sighting ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE legal_sighting FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY own_organization ON legal_sighting TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})",
    "CREATE POLICY every_organization ON legal_sighting TO aig_system USING (true) WITH CHECK (true)",
    "GRANT SELECT, INSERT ON legal_sighting TO aig_app, aig_system",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in SIGHTINGS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE legal_sighting")
