"""Signed heads over the decision log: the order in which rows were recorded, the heads, and what may be missing.

Every row gets the next number of a sequence from now on; those before have none, and no head covers them. While the
index is built, decisions are recorded in the local spool, as while the database is away.
"""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE log_cursor (
        id smallint CONSTRAINT pk_log_cursor PRIMARY KEY,
        recorded_through bigint NOT NULL,
        advanced_at timestamptz NOT NULL,
        CONSTRAINT ck_log_cursor_only_one CHECK (id = 1)
    );
    INSERT INTO log_cursor VALUES (1, 0, now());

    CREATE TABLE log_signing_key (
        id text CONSTRAINT pk_log_signing_key PRIMARY KEY,
        public_key bytea NOT NULL,
        statement text NOT NULL,
        signature bytea NOT NULL,
        predecessor_id text CONSTRAINT fk_log_signing_key_predecessor_id REFERENCES log_signing_key (id),
        predecessor_signature bytea,
        first_used_at timestamptz NOT NULL
    );

    CREATE TABLE log_chain (
        organization_id uuid CONSTRAINT pk_log_chain PRIMARY KEY,
        started_at timestamptz NOT NULL,
        last_sequence bigint NOT NULL,
        last_hash bytea NOT NULL,
        total bigint NOT NULL,
        purged_before timestamptz,
        restored_at timestamptz,
        has_news boolean NOT NULL,
        verified_at timestamptz,
        findings jsonb
    );

    CREATE TABLE log_head (
        organization_id uuid NOT NULL,
        sequence bigint NOT NULL,
        body text NOT NULL,
        signature bytea NOT NULL,
        key_id text NOT NULL CONSTRAINT fk_log_head_key_id REFERENCES log_signing_key (id),
        signed_at timestamptz NOT NULL,
        first bigint NOT NULL,
        rows integer NOT NULL,
        recorded_after bigint NOT NULL,
        recorded_through bigint NOT NULL,
        newest_at timestamptz,
        ids bytea,
        salts bytea,
        commitments bytea,
        CONSTRAINT pk_log_head PRIMARY KEY (organization_id, sequence)
    );
    ALTER TABLE log_head ALTER ids SET STORAGE EXTERNAL, ALTER salts SET STORAGE EXTERNAL,
        ALTER commitments SET STORAGE EXTERNAL;
    CREATE INDEX ix_log_head_recorded_through ON log_head (organization_id, recorded_through);
    CREATE INDEX ix_log_head_newest_at ON log_head (organization_id, newest_at) WHERE ids IS NOT NULL;

    CREATE TABLE log_erasure (
        organization_id uuid NOT NULL,
        decision_id uuid NOT NULL,
        recorded_number bigint NOT NULL,
        erased_at timestamptz NOT NULL,
        CONSTRAINT pk_log_erasure PRIMARY KEY (organization_id, decision_id)
    );
    CREATE INDEX ix_log_erasure_recorded_number ON log_erasure (recorded_number);
"""
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"

# They run with their owner's rights, for the organization on whose behalf the transaction runs, and no other.
ERASING = """
CREATE OR REPLACE FUNCTION {name}({argument}) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    WITH gone AS (
        DELETE FROM decision
        WHERE organization_id = nullif(current_setting('app.organization_id', true), '')::uuid AND {condition}
        RETURNING organization_id, id, recorded_number
    ), noted AS (
        INSERT INTO log_erasure SELECT organization_id, id, recorded_number, now() FROM gone
        WHERE recorded_number IS NOT NULL ON CONFLICT DO NOTHING
    )
    SELECT count(*) INTO erased FROM gone;
    RETURN erased;
END
$$
"""
ERASING_BEFORE = """
CREATE OR REPLACE FUNCTION {name}({argument}) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    DELETE FROM decision
    WHERE organization_id = nullif(current_setting('app.organization_id', true), '')::uuid AND {condition};
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$
"""
ERASURES = (
    {"name": "erase_decisions_of_key", "argument": "key uuid", "condition": "api_key_id = key"},
    {"name": "erase_decisions_about", "argument": "about bytea", "condition": "subject = about"},
)

# So that the next reader of new rows passes over the pages of old ones. Those of an older day are left to the vacuum.
SUMMARIZING = """
CREATE FUNCTION summarize_recorded_numbers(since date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    part regclass;
BEGIN
    FOR part IN
        SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_index x ON x.indexrelid = c.oid JOIN pg_class t ON t.oid = x.indrelid
        WHERE i.inhparent = 'ix_decision_recorded_number'::regclass AND t.relname ~ '^decision_[0-9]{8}$'
          AND to_date(right(t.relname, 8), 'YYYYMMDD') >= since
    LOOP
        PERFORM brin_summarize_new_values(part);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE SEQUENCE decision_recorded_number")
    op.execute("ALTER TABLE decision ADD COLUMN recorded_number bigint")
    op.execute("ALTER TABLE decision ALTER recorded_number SET DEFAULT nextval('decision_recorded_number')")
    op.execute("CREATE INDEX ix_decision_recorded_number ON decision USING brin (recorded_number)")
    op.execute("GRANT USAGE, SELECT ON SEQUENCE decision_recorded_number TO aig_system")
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)
    for table in ("log_chain", "log_head", "log_erasure"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_organization ON {table} TO aig_app USING ({TENANT})")
        op.execute(
            f"CREATE POLICY every_organization ON {table} TO aig_system, aig_retention USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT ON {table} TO aig_app, aig_system, aig_retention")
        op.execute(f"GRANT DELETE ON {table} TO aig_retention")
    op.execute("GRANT SELECT ON log_cursor, log_signing_key TO aig_app, aig_system")
    op.execute("GRANT INSERT ON log_signing_key, log_chain, log_head TO aig_system")
    op.execute("GRANT UPDATE ON log_cursor, log_chain TO aig_system")
    op.execute("GRANT UPDATE (ids, salts, commitments) ON log_head TO aig_system")
    op.execute("GRANT DELETE ON log_erasure TO aig_system")
    for words in ERASURES:
        op.execute(ERASING.format(**words))
    op.execute(SUMMARIZING)
    op.execute("REVOKE ALL ON FUNCTION summarize_recorded_numbers(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION summarize_recorded_numbers(date) TO aig_system")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION summarize_recorded_numbers(date)")
    for words in ERASURES:
        op.execute(ERASING_BEFORE.format(**words))
    op.execute("DROP TABLE log_erasure, log_head, log_chain, log_signing_key, log_cursor")
    op.execute("DROP INDEX ix_decision_recorded_number")
    op.execute("ALTER TABLE decision DROP COLUMN recorded_number")
    op.execute("DROP SEQUENCE decision_recorded_number")
