"""Runs of backups, and the erasures that a restore applies again; and an owner who may dump every row.

Where the login that owns the tables is no superuser, it is held to the policies of all the roles it is a member of. A
restrictive one took rows from it; the same condition within the policy that it restricted takes them from `aig_app` alone.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE backup_run (
        id uuid CONSTRAINT pk_backup_run PRIMARY KEY,
        kind text NOT NULL,
        backup text NOT NULL,
        status text NOT NULL,
        started_at timestamptz NOT NULL,
        finished_at timestamptz,
        size_bytes bigint,
        failure text,
        verified_at timestamptz,
        restore_s double precision,
        CONSTRAINT ck_backup_run_kind CHECK (
            kind IN ('nightly', 'before-migration', 'before-restore', 'by-hand', 'verification', 'restore')
        ),
        CONSTRAINT ck_backup_run_status CHECK (status IN ('running', 'succeeded', 'failed')),
        CONSTRAINT ck_backup_run_finished CHECK ((status = 'running') = (finished_at IS NULL))
    )
    """,
    "CREATE INDEX ix_backup_run_started_at ON backup_run (started_at)",
    """
    CREATE TABLE erasure (
        id uuid CONSTRAINT pk_erasure PRIMARY KEY,
        kind text NOT NULL,
        facts jsonb NOT NULL,
        erased_at timestamptz NOT NULL,
        copied_at timestamptz
    )
    """,
)

TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"
SHOWN = f"{TENANT} AND kind <> 'internal_note'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT, UPDATE ON backup_run TO aig_system")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON erasure TO aig_system")
    op.execute("DROP POLICY no_internal_notes ON application_message")
    op.execute(f"ALTER POLICY own_organization ON application_message USING ({SHOWN}) WITH CHECK ({SHOWN})")


def downgrade() -> None:
    op.execute(f"ALTER POLICY own_organization ON application_message USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute("""
        CREATE POLICY no_internal_notes ON application_message AS RESTRICTIVE TO aig_app USING (kind <> 'internal_note')
    """)
    op.execute("DROP TABLE erasure, backup_run")
