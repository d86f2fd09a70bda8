"""Probes of our own service, incidents with their playbook, maintenance, subscribers of the status page, breaches."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COMPONENTS = "'check_api', 'management_api', 'decision_log', 'portal', 'messages'"

PROBES = (
    f"""
    CREATE TABLE status_probe (
        component text NOT NULL,
        probed_at timestamptz NOT NULL,
        is_ok boolean NOT NULL,
        seconds double precision NOT NULL,
        failure text,
        is_excused boolean NOT NULL,
        CONSTRAINT pk_status_probe PRIMARY KEY (component, probed_at),
        CONSTRAINT ck_status_probe_component CHECK (component IN ({COMPONENTS}))
    )
    """,
    "CREATE INDEX ix_status_probe_probed_at ON status_probe (probed_at)",
    f"""
    CREATE TABLE status_day (
        component text NOT NULL,
        day date NOT NULL,
        probes integer NOT NULL,
        failures integer NOT NULL,
        excused integer NOT NULL,
        slow integer NOT NULL,
        CONSTRAINT pk_status_day PRIMARY KEY (component, day),
        CONSTRAINT ck_status_day_component CHECK (component IN ({COMPONENTS}))
    )
    """,
    """
    CREATE TABLE status_probe_key (
        key_id uuid CONSTRAINT pk_status_probe_key PRIMARY KEY
            CONSTRAINT fk_status_probe_key_key_id REFERENCES api_key (id),
        sealed_secret bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
)

INCIDENTS = (
    """
    CREATE TABLE incident (
        id uuid CONSTRAINT pk_incident PRIMARY KEY,
        title text NOT NULL,
        status text NOT NULL,
        impact text NOT NULL,
        version integer NOT NULL,
        began_at timestamptz NOT NULL,
        opened_at timestamptz NOT NULL,
        opened_by uuid CONSTRAINT fk_incident_opened_by REFERENCES app_user (id),
        published_at timestamptz,
        updated_at timestamptz NOT NULL,
        next_update_due_at timestamptz,
        monitoring_from timestamptz,
        resolved_at timestamptz,
        reviewed_at timestamptz,
        CONSTRAINT ck_incident_status
            CHECK (status IN ('investigating', 'identified', 'monitoring', 'resolved', 'postmortem')),
        CONSTRAINT ck_incident_impact CHECK (impact IN ('none', 'minor', 'major', 'critical'))
    )
    """,
    "CREATE INDEX ix_incident_open ON incident (id) WHERE status IN ('investigating', 'identified', 'monitoring')",
    """
    CREATE TABLE incident_update (
        id uuid CONSTRAINT pk_incident_update PRIMARY KEY,
        incident_id uuid NOT NULL CONSTRAINT fk_incident_update_incident_id REFERENCES incident (id),
        status text NOT NULL,
        body text NOT NULL,
        written_at timestamptz NOT NULL,
        written_by uuid CONSTRAINT fk_incident_update_written_by REFERENCES app_user (id),
        mailed_at timestamptz,
        CONSTRAINT ck_incident_update_status
            CHECK (status IN ('investigating', 'identified', 'monitoring', 'resolved', 'postmortem'))
    )
    """,
    "CREATE INDEX ix_incident_update_incident_id ON incident_update (incident_id, id)",
    f"""
    CREATE TABLE incident_component (
        incident_id uuid NOT NULL CONSTRAINT fk_incident_component_incident_id REFERENCES incident (id),
        component text NOT NULL,
        state text NOT NULL,
        CONSTRAINT pk_incident_component PRIMARY KEY (incident_id, component),
        CONSTRAINT ck_incident_component_component CHECK (component IN ({COMPONENTS})),
        CONSTRAINT ck_incident_component_state
            CHECK (state IN ('operational', 'degraded_performance', 'partial_outage', 'major_outage'))
    )
    """,
    """
    CREATE TABLE incident_tick (
        incident_id uuid NOT NULL CONSTRAINT fk_incident_tick_incident_id REFERENCES incident (id),
        code text NOT NULL,
        note text,
        ticked_at timestamptz NOT NULL,
        ticked_by uuid NOT NULL CONSTRAINT fk_incident_tick_ticked_by REFERENCES app_user (id),
        CONSTRAINT pk_incident_tick PRIMARY KEY (incident_id, code)
    )
    """,
    """
    CREATE TABLE incident_review (
        incident_id uuid CONSTRAINT pk_incident_review PRIMARY KEY
            CONSTRAINT fk_incident_review_incident_id REFERENCES incident (id),
        what_happened text NOT NULL,
        impact text NOT NULL,
        root_cause text NOT NULL,
        prevention text NOT NULL,
        actions text NOT NULL,
        lessons text NOT NULL,
        explanation text NOT NULL,
        written_at timestamptz NOT NULL,
        written_by uuid NOT NULL CONSTRAINT fk_incident_review_written_by REFERENCES app_user (id)
    )
    """,
    """
    CREATE TABLE incident_warning (
        incident_id uuid NOT NULL CONSTRAINT fk_incident_warning_incident_id REFERENCES incident (id),
        kind text NOT NULL,
        due_at timestamptz NOT NULL,
        warned_at timestamptz NOT NULL,
        CONSTRAINT pk_incident_warning PRIMARY KEY (incident_id, kind, due_at),
        CONSTRAINT ck_incident_warning_kind CHECK (kind IN ('notice', 'update', 'review', 'breach_notice'))
    )
    """,
)

MAINTENANCE = (
    f"""
    CREATE TABLE maintenance (
        id uuid CONSTRAINT pk_maintenance PRIMARY KEY,
        title text NOT NULL,
        body text NOT NULL,
        status text NOT NULL,
        version integer NOT NULL,
        components text[] NOT NULL,
        announced_at timestamptz NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        started_at timestamptz,
        ended_at timestamptz,
        CONSTRAINT ck_maintenance_status
            CHECK (status IN ('scheduled', 'in_progress', 'verifying', 'completed', 'cancelled')),
        CONSTRAINT ck_maintenance_components CHECK (components <@ ARRAY[{COMPONENTS}]::text[]),
        CONSTRAINT ck_maintenance_times CHECK (starts_at < ends_at)
    )
    """,
    """
    CREATE TABLE maintenance_update (
        id uuid CONSTRAINT pk_maintenance_update PRIMARY KEY,
        maintenance_id uuid NOT NULL CONSTRAINT fk_maintenance_update_maintenance_id REFERENCES maintenance (id),
        status text NOT NULL,
        body text NOT NULL,
        written_at timestamptz NOT NULL,
        mailed_at timestamptz,
        CONSTRAINT ck_maintenance_update_status
            CHECK (status IN ('scheduled', 'in_progress', 'verifying', 'completed', 'cancelled'))
    )
    """,
    "CREATE INDEX ix_maintenance_update_maintenance_id ON maintenance_update (maintenance_id, id)",
    """
    CREATE TABLE status_subscriber (
        id uuid CONSTRAINT pk_status_subscriber PRIMARY KEY,
        email text NOT NULL CONSTRAINT uq_status_subscriber_email UNIQUE,
        secret text NOT NULL CONSTRAINT uq_status_subscriber_secret UNIQUE,
        asked_at timestamptz NOT NULL,
        confirmed_at timestamptz,
        CONSTRAINT ck_status_subscriber_email CHECK (email = lower(email))
    )
    """,
    "ALTER TABLE mail_message ADD COLUMN unsubscribe_url text",
)

BREACHES = (
    """
    CREATE TABLE breach (
        id uuid CONSTRAINT pk_breach PRIMARY KEY,
        incident_id uuid NOT NULL CONSTRAINT uq_breach_incident_id UNIQUE
            CONSTRAINT fk_breach_incident_id REFERENCES incident (id),
        is_drill boolean NOT NULL,
        discovered_at timestamptz NOT NULL,
        from_at timestamptz NOT NULL,
        until_at timestamptz NOT NULL,
        nature text NOT NULL,
        people text NOT NULL,
        records text NOT NULL,
        contact text NOT NULL,
        consequences text NOT NULL,
        measures text NOT NULL,
        version integer NOT NULL,
        phase integer NOT NULL,
        opened_at timestamptz NOT NULL,
        opened_by uuid NOT NULL CONSTRAINT fk_breach_opened_by REFERENCES app_user (id),
        closed_at timestamptz,
        CONSTRAINT ck_breach_window CHECK (from_at < until_at),
        CONSTRAINT ck_breach_phase CHECK (phase >= 0)
    )
    """,
    """
    CREATE TABLE breach_organization (
        breach_id uuid NOT NULL CONSTRAINT fk_breach_organization_breach_id REFERENCES breach (id),
        organization_id uuid NOT NULL CONSTRAINT fk_breach_organization_organization_id REFERENCES organization (id),
        added_at timestamptz NOT NULL,
        CONSTRAINT pk_breach_organization PRIMARY KEY (breach_id, organization_id)
    )
    """,
    """
    CREATE TABLE breach_notice (
        id uuid CONSTRAINT pk_breach_notice PRIMARY KEY,
        breach_id uuid NOT NULL CONSTRAINT fk_breach_notice_breach_id REFERENCES breach (id),
        organization_id uuid NOT NULL CONSTRAINT fk_breach_notice_organization_id REFERENCES organization (id),
        phase integer NOT NULL,
        is_drill boolean NOT NULL,
        content jsonb NOT NULL,
        recipients jsonb NOT NULL,
        sent_at timestamptz NOT NULL,
        CONSTRAINT uq_breach_notice_breach_id_organization_id_phase UNIQUE (breach_id, organization_id, phase)
    )
    """,
    "CREATE INDEX ix_breach_notice_organization_id ON breach_notice (organization_id, id)",
)

OF_NOBODY = (
    *("status_probe", "status_day", "status_probe_key", "incident", "incident_update", "incident_component"),
    *("incident_tick", "incident_review", "incident_warning", "maintenance", "maintenance_update"),
    *("status_subscriber", "breach"),
)
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"

GRANTS = (
    f"GRANT SELECT, INSERT, UPDATE ON {', '.join(OF_NOBODY)}, breach_organization TO aig_system",
    """
    GRANT DELETE ON status_probe, status_probe_key, incident_component, incident_tick, status_subscriber,
        breach_organization TO aig_system
    """,
    "GRANT SELECT, INSERT ON breach_notice TO aig_system",
    "GRANT SELECT ON breach_notice TO aig_app",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*PROBES, *INCIDENTS, *MAINTENANCE, *BREACHES):
        op.execute(statement)
    for table in ("breach_organization", "breach_notice"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY every_organization ON {table} TO aig_system USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY own_organization ON breach_notice TO aig_app USING ({TENANT} AND NOT is_drill)")
    for statement in GRANTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE breach_notice, breach_organization, breach")
    op.execute("ALTER TABLE mail_message DROP COLUMN unsubscribe_url")
    op.execute("DROP TABLE status_subscriber, maintenance_update, maintenance")
    op.execute("""
        DROP TABLE incident_warning, incident_review, incident_tick, incident_component, incident_update, incident
    """)
    op.execute("DROP TABLE status_probe_key, status_day, status_probe")
