"""What an organization says of itself before its software goes live: who ticked what, and when."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE checklist_tick (
            organization_id uuid NOT NULL CONSTRAINT fk_checklist_tick_organization_id REFERENCES organization (id),
            item text NOT NULL,
            ticked_by uuid NOT NULL CONSTRAINT fk_checklist_tick_ticked_by REFERENCES app_user (id),
            ticked_at timestamptz NOT NULL,
            CONSTRAINT pk_checklist_tick PRIMARY KEY (organization_id, item)
        )
    """)
    op.execute("ALTER TABLE checklist_tick ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE checklist_tick FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON checklist_tick TO aig_app USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("CREATE POLICY every_organization ON checklist_tick TO aig_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, DELETE ON checklist_tick TO aig_app, aig_system")


def downgrade() -> None:
    op.execute("DROP TABLE checklist_tick")
