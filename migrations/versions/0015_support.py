"""Support: requests, what was said, what happened to them, files, missed promises, surveys, who is on call."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE ticket (
        id uuid CONSTRAINT pk_ticket PRIMARY KEY,
        number bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) CONSTRAINT uq_ticket_number UNIQUE,
        organization_id uuid CONSTRAINT fk_ticket_organization_id REFERENCES organization (id),
        opened_by uuid CONSTRAINT fk_ticket_opened_by REFERENCES app_user (id),
        requester_name text NOT NULL,
        requester_email text NOT NULL,
        subject text NOT NULL,
        category text NOT NULL,
        severity text NOT NULL,
        environment text,
        happened_at timestamptz,
        api_key_id text,
        decision_id text,
        request_id text,
        status text NOT NULL,
        version integer NOT NULL,
        level integer NOT NULL,
        assignee_id uuid CONSTRAINT fk_ticket_assignee_id REFERENCES app_user (id),
        merged_into uuid CONSTRAINT fk_ticket_merged_into REFERENCES ticket (id),
        reply_token text NOT NULL,
        wish text,
        due_at timestamptz,
        look_at timestamptz,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        resolved_at timestamptz,
        CONSTRAINT ck_ticket_category
            CHECK (category IN ('bug', 'feature_request', 'question', 'billing', 'feedback')),
        CONSTRAINT ck_ticket_severity CHECK (severity IN ('low', 'medium', 'high', 'critical')),
        CONSTRAINT ck_ticket_environment CHECK (environment IN ('live', 'test')),
        CONSTRAINT ck_ticket_status
            CHECK (status IN ('new', 'open', 'waiting_on_customer', 'resolved', 'closed', 'merged')),
        CONSTRAINT ck_ticket_level CHECK (level BETWEEN 1 AND 3)
    )
    """,
    "CREATE INDEX ix_ticket_organization_id ON ticket (organization_id, id)",
    "CREATE INDEX ix_ticket_due_at ON ticket (due_at) WHERE status IN ('new', 'open', 'waiting_on_customer')",
    "CREATE INDEX ix_ticket_look_at ON ticket (look_at) WHERE look_at IS NOT NULL",
    """
    CREATE TABLE ticket_message (
        id uuid CONSTRAINT pk_ticket_message PRIMARY KEY,
        ticket_id uuid NOT NULL CONSTRAINT fk_ticket_message_ticket_id REFERENCES ticket (id),
        organization_id uuid CONSTRAINT fk_ticket_message_organization_id REFERENCES organization (id),
        kind text NOT NULL,
        author_id uuid CONSTRAINT fk_ticket_message_author_id REFERENCES app_user (id),
        author_name text NOT NULL,
        body text NOT NULL,
        is_by_mail boolean NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT ck_ticket_message_kind CHECK (kind IN ('customer', 'answer', 'automatic', 'internal_note'))
    )
    """,
    "CREATE INDEX ix_ticket_message_ticket_id ON ticket_message (ticket_id, id)",
    """
    CREATE TABLE ticket_event (
        id uuid CONSTRAINT pk_ticket_event PRIMARY KEY,
        ticket_id uuid NOT NULL CONSTRAINT fk_ticket_event_ticket_id REFERENCES ticket (id),
        organization_id uuid CONSTRAINT fk_ticket_event_organization_id REFERENCES organization (id),
        kind text NOT NULL,
        occurred_at timestamptz NOT NULL,
        severity text,
        CONSTRAINT ck_ticket_event_kind CHECK (kind IN (
            'opened', 'customer_wrote', 'we_answered', 'answered_automatically', 'severity_changed', 'waiting_began',
            'waiting_ended', 'resolved', 'solved_by_customer', 'reopened', 'merged'
        )),
        CONSTRAINT ck_ticket_event_severity CHECK (severity IN ('low', 'medium', 'high', 'critical'))
    )
    """,
    "CREATE INDEX ix_ticket_event_ticket_id ON ticket_event (ticket_id, id)",
    """
    CREATE TABLE ticket_notice (
        ticket_id uuid NOT NULL CONSTRAINT fk_ticket_notice_ticket_id REFERENCES ticket (id),
        organization_id uuid CONSTRAINT fk_ticket_notice_organization_id REFERENCES organization (id),
        clock text NOT NULL,
        started_at timestamptz NOT NULL,
        kind text NOT NULL,
        due_at timestamptz NOT NULL,
        severity text NOT NULL,
        noted_at timestamptz NOT NULL,
        CONSTRAINT pk_ticket_notice PRIMARY KEY (ticket_id, clock, started_at, kind),
        CONSTRAINT ck_ticket_notice_clock CHECK (clock IN ('first_response', 'next_response', 'resolution')),
        CONSTRAINT ck_ticket_notice_kind CHECK (kind IN ('warned', 'missed')),
        CONSTRAINT ck_ticket_notice_severity CHECK (severity IN ('low', 'medium', 'high', 'critical'))
    )
    """,
    """
    CREATE TABLE ticket_file (
        id uuid CONSTRAINT pk_ticket_file PRIMARY KEY,
        ticket_id uuid NOT NULL CONSTRAINT fk_ticket_file_ticket_id REFERENCES ticket (id),
        message_id uuid NOT NULL CONSTRAINT fk_ticket_file_message_id REFERENCES ticket_message (id),
        organization_id uuid CONSTRAINT fk_ticket_file_organization_id REFERENCES organization (id),
        name text NOT NULL,
        content_type text NOT NULL,
        size_bytes integer NOT NULL,
        content bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_ticket_file_ticket_id ON ticket_file (ticket_id, id)",
    """
    CREATE TABLE ticket_survey (
        ticket_id uuid CONSTRAINT pk_ticket_survey PRIMARY KEY
            CONSTRAINT fk_ticket_survey_ticket_id REFERENCES ticket (id),
        organization_id uuid CONSTRAINT fk_ticket_survey_organization_id REFERENCES organization (id),
        token_hash bytea NOT NULL CONSTRAINT uq_ticket_survey_token_hash UNIQUE,
        sent_at timestamptz NOT NULL,
        score integer,
        words text,
        answered_at timestamptz,
        CONSTRAINT ck_ticket_survey_score CHECK (score BETWEEN 1 AND 10)
    )
    """,
    """
    CREATE TABLE inbound_mail (
        message_id text CONSTRAINT pk_inbound_mail PRIMARY KEY,
        ticket_id uuid CONSTRAINT fk_inbound_mail_ticket_id REFERENCES ticket (id),
        received_at timestamptz NOT NULL,
        outcome text NOT NULL,
        CONSTRAINT ck_inbound_mail_outcome CHECK (outcome IN ('opened', 'added', 'noted', 'ignored'))
    )
    """,
    """
    CREATE TABLE on_call_week (
        monday date CONSTRAINT pk_on_call_week PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT fk_on_call_week_user_id REFERENCES app_user (id)
    )
    """,
    "ALTER TABLE mail_message ADD COLUMN reply_to text",
)

OF_ONE_ORGANIZATION = ("ticket", "ticket_event", "ticket_notice", "ticket_file", "ticket_survey")
TENANT = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"
SEEN = {
    **dict.fromkeys(OF_ONE_ORGANIZATION, TENANT),
    "ticket_message": f"{TENANT} AND kind <> 'internal_note'",
}

GRANTS = (
    "GRANT SELECT, INSERT, UPDATE ON ticket TO aig_app, aig_system",
    "GRANT SELECT, INSERT ON ticket_message, ticket_event, ticket_file TO aig_app, aig_system",
    "GRANT SELECT ON ticket_notice TO aig_app",
    "GRANT SELECT, INSERT ON ticket_notice TO aig_system",
    "GRANT SELECT (ticket_id, organization_id, sent_at, score, words, answered_at) ON ticket_survey TO aig_app",
    "GRANT SELECT, INSERT, UPDATE ON ticket_survey TO aig_system",
    "GRANT SELECT, INSERT, UPDATE ON inbound_mail TO aig_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON on_call_week TO aig_system",
    "GRANT UPDATE (author_name) ON ticket_message TO aig_system",
    "GRANT DELETE ON ticket_message, ticket_file TO aig_system",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)
    for table, seen in SEEN.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_organization ON {table} TO aig_app USING ({seen}) WITH CHECK ({seen})")
        op.execute(f"CREATE POLICY every_organization ON {table} TO aig_system USING (true) WITH CHECK (true)")
    for statement in GRANTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE mail_message DROP COLUMN reply_to")
    op.execute("DROP TABLE on_call_week, inbound_mail, ticket_survey, ticket_file, ticket_notice, ticket_event")
    op.execute("DROP TABLE ticket_message, ticket")
