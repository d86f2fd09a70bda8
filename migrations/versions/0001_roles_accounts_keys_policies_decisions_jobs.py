"""Roles, organizations, audit trail, keys, policies, the decision log and the job queue."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLES = """
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['aig_app', 'aig_system', 'aig_retention'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', role);
        END IF;
        EXECUTE format('GRANT %I TO CURRENT_USER', role);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
    END LOOP;
END
$$;
"""

TABLES = """
CREATE TABLE organization (
    id uuid CONSTRAINT pk_organization PRIMARY KEY,
    slug text NOT NULL CONSTRAINT uq_organization_slug UNIQUE,
    name text NOT NULL,
    status text NOT NULL,
    retention_days integer NOT NULL,
    check_limit integer,
    subject_secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_organization_slug CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
    CONSTRAINT ck_organization_status CHECK (status IN ('active', 'suspended')),
    CONSTRAINT ck_organization_retention_days CHECK (retention_days BETWEEN 30 AND 3650),
    CONSTRAINT ck_organization_check_limit CHECK (check_limit IS NULL OR check_limit > 0)
);

CREATE TABLE audit_event (
    id uuid CONSTRAINT pk_audit_event PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_audit_event_organization_id REFERENCES organization (id),
    occurred_at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    subject_id text,
    before jsonb,
    after jsonb,
    address text,
    request_id text
);
CREATE INDEX ix_audit_event_organization_id ON audit_event (organization_id, id);

CREATE TABLE api_key (
    id uuid CONSTRAINT pk_api_key PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_api_key_organization_id REFERENCES organization (id),
    lineage_id uuid NOT NULL,
    name text NOT NULL,
    environment text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT uq_api_key_token_hash UNIQUE,
    start text NOT NULL,
    last_four text NOT NULL,
    scopes text[] NOT NULL,
    rate_limit integer,
    allowed_networks text[] NOT NULL,
    created_at timestamptz NOT NULL,
    created_by_kind text NOT NULL,
    created_by_id uuid,
    expires_at timestamptz,
    revoked_at timestamptz,
    revoke_reason text,
    successor_id uuid,
    last_used_at timestamptz,
    last_used_address text,
    CONSTRAINT ck_api_key_environment CHECK (environment IN ('live', 'test')),
    CONSTRAINT ck_api_key_name CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT ck_api_key_rate_limit CHECK (rate_limit IS NULL OR rate_limit > 0)
);
CREATE INDEX ix_api_key_organization_id ON api_key (organization_id, id);
CREATE UNIQUE INDEX uq_api_key_current_name ON api_key (organization_id, environment, name)
    WHERE revoked_at IS NULL AND successor_id IS NULL;

CREATE TABLE policy_version (
    organization_id uuid NOT NULL CONSTRAINT fk_policy_version_organization_id REFERENCES organization (id),
    version integer NOT NULL,
    document jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by_kind text NOT NULL,
    created_by_id uuid,
    CONSTRAINT pk_policy_version PRIMARY KEY (organization_id, version)
);

CREATE TABLE decision (
    id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    environment text NOT NULL,
    model text NOT NULL,
    operation text NOT NULL,
    metadata jsonb NOT NULL,
    subject bytea,
    risk_score smallint NOT NULL,
    allowed boolean NOT NULL,
    reason text NOT NULL,
    reasons jsonb NOT NULL,
    policy_version integer NOT NULL,
    latency_us integer NOT NULL,
    request_id text NOT NULL,
    CONSTRAINT pk_decision PRIMARY KEY (id, decided_at)
) PARTITION BY RANGE (decided_at);
CREATE INDEX ix_decision_organization_id ON decision (organization_id, decided_at, id);
CREATE INDEX ix_decision_subject ON decision (organization_id, subject) WHERE subject IS NOT NULL;

CREATE TABLE purge_run (
    id uuid CONSTRAINT pk_purge_run PRIMARY KEY,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    decisions_deleted integer NOT NULL,
    partitions_dropped jsonb NOT NULL
);
"""

# A partition is made beside the log and attached, so that neither readers nor writers wait for it. It belongs to the
# owner and nobody else may touch it: rows are reached through the log alone, where row-level security holds.
PARTITIONS = """
CREATE FUNCTION ensure_decision_partition(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    name text := 'decision_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('decision_partition'));
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE decision INCLUDING ALL)', name);
    EXECUTE format(
        'ALTER TABLE decision ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        name, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00'
    );
END
$$;

CREATE FUNCTION drop_decision_partitions(before date) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'decision'::regclass AND c.relname ~ '^decision_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        RETURN NEXT name;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION ensure_decision_partition(date), drop_decision_partitions(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_decision_partition(date) TO aig_system;
GRANT EXECUTE ON FUNCTION drop_decision_partitions(date) TO aig_retention;

SELECT ensure_decision_partition((now() AT TIME ZONE 'UTC')::date + days) FROM generate_series(-1, 14) AS days;
"""

# What the software announces to every process: a key that changed, an organization whose state or policies changed.
ANNOUNCEMENTS = """
CREATE FUNCTION announce_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('aig_changes', 'key:' || encode(NEW.token_hash, 'hex'));
    RETURN NULL;
END
$$;
CREATE TRIGGER announce_key_insert AFTER INSERT ON api_key FOR EACH ROW EXECUTE FUNCTION announce_key();
CREATE TRIGGER announce_key_update
    AFTER UPDATE OF name, scopes, rate_limit, allowed_networks, expires_at, revoked_at ON api_key
    FOR EACH ROW EXECUTE FUNCTION announce_key();

CREATE FUNCTION announce_organization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('aig_changes', 'organization:' || NEW.id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER announce_organization AFTER UPDATE ON organization
    FOR EACH ROW EXECUTE FUNCTION announce_organization();

CREATE FUNCTION announce_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('aig_changes', 'organization:' || NEW.organization_id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER announce_policy AFTER INSERT ON policy_version FOR EACH ROW EXECUTE FUNCTION announce_policy();
"""

SECURITY = """
DO $$
DECLARE
    name text;
    tenant text;
BEGIN
    FOREACH name IN ARRAY ARRAY['organization', 'audit_event', 'api_key', 'policy_version', 'decision'] LOOP
        tenant := CASE name WHEN 'organization' THEN 'id' ELSE 'organization_id' END
            || ' = nullif(current_setting(''app.organization_id'', true), '''')::uuid';
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_organization ON %I TO aig_app USING (%s) WITH CHECK (%s)', name, tenant, tenant);
        EXECUTE format('CREATE POLICY every_organization ON %I TO aig_system, aig_retention USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;

GRANT SELECT, UPDATE ON organization TO aig_app;
GRANT SELECT, INSERT, UPDATE ON organization TO aig_system;
GRANT SELECT, INSERT ON audit_event, policy_version TO aig_app, aig_system;
GRANT SELECT, INSERT, UPDATE ON api_key TO aig_app, aig_system;
GRANT SELECT ON decision TO aig_app;
GRANT SELECT, INSERT ON decision TO aig_system;
GRANT SELECT, DELETE ON decision TO aig_retention;
GRANT SELECT, INSERT ON purge_run TO aig_system;
GRANT SELECT ON alembic_version TO aig_system;
"""

JOBS_SECURITY = """
GRANT USAGE ON SCHEMA jobs TO aig_app, aig_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO aig_app, aig_system;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA jobs TO aig_app, aig_system;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO aig_app, aig_system;
"""


def run(script: str) -> None:
    """Several statements as they stand, without parameters."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)


def upgrade() -> None:
    run(ROLES)
    run(TABLES)
    run(PARTITIONS)
    run(ANNOUNCEMENTS)
    run(SECURITY)
    run("CREATE SCHEMA jobs; SET search_path = jobs, public")
    run(SchemaManager.get_schema())
    run("SET search_path = public")
    run(JOBS_SECURITY)


def downgrade() -> None:
    """The roles stay: they belong to the server and may serve other databases."""
    run("DROP SCHEMA jobs CASCADE")
    run("DROP TABLE purge_run, decision, policy_version, api_key, audit_event, organization")
    run("DROP FUNCTION ensure_decision_partition, drop_decision_partitions")
    run("DROP FUNCTION announce_key, announce_organization, announce_policy")
    run("REVOKE SELECT ON alembic_version FROM aig_system")
