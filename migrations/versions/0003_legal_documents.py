"""Versions of legal documents, acceptances with evidence, notices, and the register of sub-processors."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DOCUMENTS = """
SET LOCAL lock_timeout = '5s';

CREATE TABLE legal_version (
    id uuid CONSTRAINT pk_legal_version PRIMARY KEY,
    kind text NOT NULL,
    number text NOT NULL,
    locale text NOT NULL,
    is_major boolean NOT NULL,
    summary text NOT NULL,
    markdown text NOT NULL,
    sha256 text NOT NULL,
    provider jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    published_by_kind text NOT NULL,
    published_by_id uuid,
    reviewed_by text NOT NULL,
    reviewed_on date NOT NULL,
    review_note text NOT NULL,
    CONSTRAINT uq_legal_version_kind_number_locale UNIQUE (kind, number, locale),
    CONSTRAINT ck_legal_version_kind CHECK (kind IN ('terms', 'dpa', 'privacy', 'sub_processors')),
    CONSTRAINT ck_legal_version_number CHECK (number ~ '^[1-9][0-9]*[.](0|[1-9][0-9]*)$'),
    CONSTRAINT ck_legal_version_effective_at CHECK (effective_at >= published_at),
    CONSTRAINT ck_legal_version_sha256 CHECK (sha256 = encode(sha256(convert_to(markdown, 'UTF8')), 'hex'))
);
CREATE INDEX ix_legal_version_kind ON legal_version (kind, published_at);
"""

REGISTER = """
CREATE TABLE sub_processor (
    id uuid CONSTRAINT pk_sub_processor PRIMARY KEY,
    name text NOT NULL,
    entity text NOT NULL,
    address text NOT NULL,
    country text NOT NULL,
    contact text NOT NULL,
    purpose text NOT NULL,
    data_categories text NOT NULL,
    location text NOT NULL,
    first_mechanism text NOT NULL,
    second_mechanism text NOT NULL,
    certificates text NOT NULL,
    listed_at timestamptz NOT NULL,
    removed_at timestamptz,
    CONSTRAINT ck_sub_processor_country CHECK (country ~ '^[A-Z]{2}$')
);

CREATE TABLE sub_processor_change (
    id uuid CONSTRAINT pk_sub_processor_change PRIMARY KEY,
    kind text NOT NULL,
    sub_processor_id uuid
        CONSTRAINT fk_sub_processor_change_sub_processor_id REFERENCES sub_processor (id),
    entry jsonb,
    reason text NOT NULL,
    announced_at timestamptz NOT NULL,
    takes_effect_at timestamptz NOT NULL,
    applied_at timestamptz,
    withdrawn_at timestamptz,
    announced_by_kind text NOT NULL,
    announced_by_id uuid,
    CONSTRAINT ck_sub_processor_change_kind CHECK (kind IN ('add', 'replace', 'remove')),
    CONSTRAINT ck_sub_processor_change_sub_processor_id CHECK ((kind = 'add') = (sub_processor_id IS NULL)),
    CONSTRAINT ck_sub_processor_change_entry CHECK ((kind = 'remove') = (entry IS NULL)),
    CONSTRAINT ck_sub_processor_change_end CHECK (applied_at IS NULL OR withdrawn_at IS NULL)
);

CREATE TABLE sub_processor_response (
    id uuid CONSTRAINT pk_sub_processor_response PRIMARY KEY,
    organization_id uuid NOT NULL
        CONSTRAINT fk_sub_processor_response_organization_id REFERENCES organization (id),
    change_id uuid NOT NULL
        CONSTRAINT fk_sub_processor_response_change_id REFERENCES sub_processor_change (id),
    kind text NOT NULL,
    reason text NOT NULL,
    user_id uuid CONSTRAINT fk_sub_processor_response_user_id REFERENCES app_user (id),
    created_at timestamptz NOT NULL,
    answer_due_at timestamptz,
    answer text,
    answered_at timestamptz,
    answered_by uuid CONSTRAINT fk_sub_processor_response_answered_by REFERENCES app_user (id),
    CONSTRAINT ck_sub_processor_response_kind CHECK (kind IN ('accept', 'ask', 'object')),
    CONSTRAINT ck_sub_processor_response_reason CHECK (kind = 'accept' OR char_length(reason) > 0),
    CONSTRAINT ck_sub_processor_response_answer_due_at CHECK ((kind = 'accept') = (answer_due_at IS NULL)),
    CONSTRAINT ck_sub_processor_response_answer CHECK ((answer IS NULL) = (answered_at IS NULL))
);
CREATE INDEX ix_sub_processor_response_organization_id ON sub_processor_response (organization_id, change_id, id);
CREATE INDEX ix_sub_processor_response_change_id ON sub_processor_response (change_id);
"""

ACCEPTANCES = """
CREATE TABLE legal_delegation (
    id uuid CONSTRAINT pk_legal_delegation PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_legal_delegation_organization_id REFERENCES organization (id),
    email text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT uq_legal_delegation_token_hash UNIQUE,
    created_at timestamptz NOT NULL,
    created_by uuid CONSTRAINT fk_legal_delegation_created_by REFERENCES app_user (id),
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz,
    superseded_at timestamptz
);
CREATE INDEX ix_legal_delegation_organization_id ON legal_delegation (organization_id, id);

CREATE TABLE legal_acceptance (
    id uuid CONSTRAINT pk_legal_acceptance PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_legal_acceptance_organization_id REFERENCES organization (id),
    position integer NOT NULL,
    previous_sha256 text,
    evidence_sha256 text NOT NULL,
    version_id uuid NOT NULL CONSTRAINT fk_legal_acceptance_version_id REFERENCES legal_version (id),
    kind text NOT NULL,
    number text NOT NULL,
    locale text NOT NULL,
    document_sha256 text NOT NULL,
    published_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    cover_page text NOT NULL,
    cover_page_sha256 text NOT NULL,
    provider_name text NOT NULL,
    provider_signatory text NOT NULL,
    legal_name text NOT NULL,
    registration_number text NOT NULL,
    address text NOT NULL,
    country text NOT NULL,
    user_id uuid CONSTRAINT fk_legal_acceptance_user_id REFERENCES app_user (id),
    delegation_id uuid CONSTRAINT fk_legal_acceptance_delegation_id REFERENCES legal_delegation (id),
    signer_name text NOT NULL,
    signer_title text NOT NULL,
    signer_email text NOT NULL,
    email_confirmed_at timestamptz,
    authority text NOT NULL,
    checkbox_texts jsonb NOT NULL,
    button_text text NOT NULL,
    events jsonb NOT NULL,
    screen text NOT NULL,
    network_address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    session_id text NOT NULL,
    auth_method text NOT NULL,
    receipt_mail_id uuid,
    accepted_at timestamptz NOT NULL,
    CONSTRAINT ck_legal_acceptance_signer CHECK (num_nonnulls(user_id, delegation_id) = 1),
    CONSTRAINT ck_legal_acceptance_authority
        CHECK (signer_name <> '' AND signer_title <> '' AND authority <> ''),
    CONSTRAINT uq_legal_acceptance_organization_id_position UNIQUE (organization_id, position),
    CONSTRAINT uq_legal_acceptance_organization_id_version_id_user_id UNIQUE (organization_id, version_id, user_id),
    CONSTRAINT uq_legal_acceptance_organization_id_version_id_delegation_id
        UNIQUE (organization_id, version_id, delegation_id)
);

CREATE TABLE legal_notice (
    id uuid CONSTRAINT pk_legal_notice PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_legal_notice_organization_id REFERENCES organization (id),
    version_id uuid CONSTRAINT fk_legal_notice_version_id REFERENCES legal_version (id),
    change_id uuid CONSTRAINT fk_legal_notice_change_id REFERENCES sub_processor_change (id),
    created_at timestamptz NOT NULL,
    first_mail_ids uuid[] NOT NULL,
    first_sent_at timestamptz,
    second_mail_ids uuid[],
    second_sent_at timestamptz,
    due_at timestamptz,
    enforced_at timestamptz,
    CONSTRAINT uq_legal_notice_organization_id_version_id UNIQUE (organization_id, version_id),
    CONSTRAINT uq_legal_notice_organization_id_change_id UNIQUE (organization_id, change_id),
    CONSTRAINT ck_legal_notice_subject CHECK (num_nonnulls(version_id, change_id) = 1),
    CONSTRAINT ck_legal_notice_two_notices CHECK (enforced_at IS NULL OR second_sent_at IS NOT NULL)
);
"""

# What was published and what was accepted stays as it was, whoever asks; nobody is granted more than adding.
UNCHANGING = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON legal_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE ON legal_acceptance
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

SECURITY = """
DO $$
DECLARE
    name text;
    tenant text := 'organization_id = nullif(current_setting(''app.organization_id'', true), '''')::uuid';
BEGIN
    FOREACH name IN ARRAY ARRAY['legal_acceptance', 'legal_delegation', 'legal_notice', 'sub_processor_response'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_organization ON %I TO aig_app USING (%s) WITH CHECK (%s)', name, tenant, tenant);
        EXECUTE format('CREATE POLICY every_organization ON %I TO aig_system USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;

GRANT SELECT ON legal_version, sub_processor, sub_processor_change TO aig_app, aig_system;
GRANT INSERT ON legal_version, sub_processor, sub_processor_change TO aig_system;
GRANT UPDATE (removed_at) ON sub_processor TO aig_system;
GRANT UPDATE (applied_at, withdrawn_at) ON sub_processor_change TO aig_system;

GRANT SELECT, INSERT ON legal_acceptance, legal_delegation, sub_processor_response TO aig_app, aig_system;
GRANT UPDATE (consumed_at, superseded_at) ON legal_delegation TO aig_app, aig_system;
GRANT UPDATE (answer, answered_at, answered_by) ON sub_processor_response TO aig_system;

GRANT SELECT ON legal_notice TO aig_app;
GRANT SELECT, INSERT ON legal_notice TO aig_system;
GRANT UPDATE (first_sent_at, second_mail_ids, second_sent_at, due_at, enforced_at) ON legal_notice TO aig_system;
"""


def run(script: str) -> None:
    """Several statements as they stand, without parameters."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)


def upgrade() -> None:
    run(DOCUMENTS)
    run(REGISTER)
    run(ACCEPTANCES)
    run(UNCHANGING)
    run(SECURITY)


def downgrade() -> None:
    run("DROP TABLE legal_notice, legal_acceptance, legal_delegation")
    run("DROP TABLE sub_processor_response, sub_processor_change, sub_processor, legal_version")
    run("DROP FUNCTION refuse_change")
