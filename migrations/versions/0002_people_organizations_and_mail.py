"""People, how they sign in, where they are members; what an organization says of itself; its application; mail."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ORGANIZATIONS = """
SET LOCAL lock_timeout = '5s';

ALTER TABLE organization DROP CONSTRAINT ck_organization_status;
UPDATE organization SET status = 'live' WHERE status = 'active';
ALTER TABLE organization
    ADD CONSTRAINT ck_organization_status CHECK (status IN ('sandbox', 'live', 'suspended', 'closing', 'closed')),
    ADD COLUMN status_before text,
    ADD COLUMN status_reason text,
    ADD COLUMN closes_at timestamptz,
    ADD COLUMN pilot_ends_at timestamptz,
    ADD COLUMN legal_due_at timestamptz;

ALTER TABLE audit_event ALTER COLUMN organization_id DROP NOT NULL;
CREATE INDEX ix_audit_event_actor_id ON audit_event (actor_id, id) WHERE actor_id IS NOT NULL;

CREATE TABLE organization_profile (
    organization_id uuid CONSTRAINT pk_organization_profile PRIMARY KEY
        CONSTRAINT fk_organization_profile_organization_id REFERENCES organization (id),
    legal_name text NOT NULL,
    registration_number text NOT NULL,
    address text NOT NULL,
    country text NOT NULL,
    website text,
    contact_name text NOT NULL,
    contact_email text NOT NULL,
    second_contact_name text,
    second_contact_email text,
    use_case text NOT NULL,
    expected_checks text NOT NULL,
    is_high_risk boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT ck_organization_profile_country CHECK (country ~ '^[A-Z]{2}$')
);
"""

PEOPLE = """
CREATE TABLE app_user (
    id uuid CONSTRAINT pk_app_user PRIMARY KEY,
    email text NOT NULL CONSTRAINT uq_app_user_email UNIQUE,
    name text NOT NULL,
    password_hash text NOT NULL,
    is_operator boolean NOT NULL,
    created_at timestamptz NOT NULL,
    email_confirmed_at timestamptz,
    disabled_at timestamptz,
    CONSTRAINT ck_app_user_email CHECK (email = lower(email))
);

CREATE TABLE membership (
    organization_id uuid NOT NULL CONSTRAINT fk_membership_organization_id REFERENCES organization (id),
    user_id uuid NOT NULL CONSTRAINT fk_membership_user_id REFERENCES app_user (id),
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_membership PRIMARY KEY (organization_id, user_id),
    CONSTRAINT ck_membership_role CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer'))
);
CREATE INDEX ix_membership_user_id ON membership (user_id);

CREATE TABLE invitation (
    id uuid CONSTRAINT pk_invitation PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_invitation_organization_id REFERENCES organization (id),
    email text NOT NULL,
    role text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT uq_invitation_token_hash UNIQUE,
    status text NOT NULL,
    invited_by uuid NOT NULL CONSTRAINT fk_invitation_invited_by REFERENCES app_user (id),
    created_at timestamptz NOT NULL,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT ck_invitation_role CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    CONSTRAINT ck_invitation_status CHECK (status IN ('pending', 'accepted', 'revoked'))
);
CREATE UNIQUE INDEX uq_invitation_pending ON invitation (organization_id, email) WHERE status = 'pending';

CREATE TABLE user_session (
    id uuid CONSTRAINT pk_user_session PRIMARY KEY,
    token_hash bytea NOT NULL CONSTRAINT uq_user_session_token_hash UNIQUE,
    user_id uuid NOT NULL CONSTRAINT fk_user_session_user_id REFERENCES app_user (id),
    organization_id uuid CONSTRAINT fk_user_session_organization_id REFERENCES organization (id),
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,
    method text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    address text,
    user_agent text,
    CONSTRAINT ck_user_session_method CHECK (method IN ('password', 'totp', 'passkey', 'recovery_code'))
);
CREATE INDEX ix_user_session_user_id ON user_session (user_id, id);

CREATE TABLE email_token (
    id uuid CONSTRAINT pk_email_token PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT fk_email_token_user_id REFERENCES app_user (id),
    purpose text NOT NULL,
    email text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT uq_email_token_token_hash UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz,
    superseded_at timestamptz,
    CONSTRAINT ck_email_token_purpose CHECK (purpose IN ('confirm_address', 'reset_password', 'change_address'))
);
CREATE INDEX ix_email_token_user_id ON email_token (user_id, purpose);

CREATE TABLE totp_secret (
    user_id uuid CONSTRAINT pk_totp_secret PRIMARY KEY CONSTRAINT fk_totp_secret_user_id REFERENCES app_user (id),
    sealed_secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint NOT NULL
);

CREATE TABLE passkey (
    id uuid CONSTRAINT pk_passkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT fk_passkey_user_id REFERENCES app_user (id),
    credential_id bytea NOT NULL CONSTRAINT uq_passkey_credential_id UNIQUE,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX ix_passkey_user_id ON passkey (user_id);

CREATE TABLE recovery_code (
    id uuid CONSTRAINT pk_recovery_code PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT fk_recovery_code_user_id REFERENCES app_user (id),
    code_hash bytea NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_recovery_code_user_id ON recovery_code (user_id);
"""

APPLICATIONS = """
CREATE TABLE application (
    id uuid CONSTRAINT pk_application PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_application_organization_id REFERENCES organization (id),
    status text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    submitted_at timestamptz,
    due_at timestamptz,
    decided_at timestamptz,
    decided_by uuid CONSTRAINT fk_application_decided_by REFERENCES app_user (id),
    reason text,
    CONSTRAINT ck_application_status CHECK (status IN (
        'draft', 'submitted', 'information_requested', 'deferred', 'approved', 'declined', 'withdrawn', 'expired'
    ))
);
CREATE UNIQUE INDEX uq_application_open ON application (organization_id)
    WHERE status IN ('draft', 'submitted', 'information_requested', 'deferred');
CREATE INDEX ix_application_queue ON application (submitted_at) WHERE status IN ('submitted', 'deferred');

CREATE TABLE application_message (
    id uuid CONSTRAINT pk_application_message PRIMARY KEY,
    application_id uuid NOT NULL CONSTRAINT fk_application_message_application_id REFERENCES application (id),
    organization_id uuid NOT NULL CONSTRAINT fk_application_message_organization_id REFERENCES organization (id),
    kind text NOT NULL,
    author_id uuid NOT NULL CONSTRAINT fk_application_message_author_id REFERENCES app_user (id),
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_application_message_kind CHECK (kind IN ('question', 'answer', 'internal_note'))
);
CREATE INDEX ix_application_message_application_id ON application_message (application_id, id);
"""

MAIL = """
CREATE TABLE mail_message (
    id uuid CONSTRAINT pk_mail_message PRIMARY KEY,
    organization_id uuid CONSTRAINT fk_mail_message_organization_id REFERENCES organization (id),
    recipient text NOT NULL,
    template text NOT NULL,
    subject text NOT NULL,
    text text,
    html text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    failure text
);
CREATE INDEX ix_mail_message_unsent ON mail_message (created_at) WHERE sent_at IS NULL;
CREATE INDEX ix_mail_message_organization_id ON mail_message (organization_id, id);
"""

# What signs people in belongs to no organization and is the system's alone; an organization sees the names and
# addresses of its own members, and nothing else of them.
SECURITY = """
DO $$
DECLARE
    name text;
    tenant text := 'organization_id = nullif(current_setting(''app.organization_id'', true), '''')::uuid';
BEGIN
    FOREACH name IN ARRAY ARRAY['organization_profile', 'membership', 'invitation', 'application', 'application_message'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_organization ON %I TO aig_app USING (%s) WITH CHECK (%s)', name, tenant, tenant);
        EXECUTE format('CREATE POLICY every_organization ON %I TO aig_system USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;
CREATE POLICY no_internal_notes ON application_message AS RESTRICTIVE TO aig_app USING (kind <> 'internal_note');

ALTER TABLE app_user ENABLE ROW LEVEL SECURITY;
ALTER TABLE app_user FORCE ROW LEVEL SECURITY;
CREATE POLICY own_members ON app_user FOR SELECT TO aig_app
    USING (EXISTS (SELECT FROM membership WHERE membership.user_id = app_user.id));
CREATE POLICY everybody ON app_user TO aig_system USING (true) WITH CHECK (true);

ALTER TABLE mail_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_message FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON mail_message FOR INSERT TO aig_app
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
CREATE POLICY every_mail ON mail_message TO aig_system USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON organization_profile, application TO aig_app, aig_system;
GRANT SELECT, INSERT ON application_message TO aig_app, aig_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON membership, invitation TO aig_app, aig_system;
GRANT SELECT (id, email, name, is_operator, created_at, email_confirmed_at) ON app_user TO aig_app;
GRANT SELECT, INSERT, UPDATE ON app_user TO aig_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON user_session, email_token, totp_secret, passkey, recovery_code TO aig_system;
GRANT INSERT ON mail_message TO aig_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_message TO aig_system;
"""


def run(script: str) -> None:
    """Several statements as they stand, without parameters."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)


def upgrade() -> None:
    run(ORGANIZATIONS)
    run(PEOPLE)
    run(APPLICATIONS)
    run(MAIL)
    run(SECURITY)


def downgrade() -> None:
    """An organization that is not live becomes suspended: the older software knows no other state."""
    run("DROP TABLE mail_message, application_message, application")
    run("DROP TABLE recovery_code, passkey, totp_secret, email_token, user_session, invitation")
    run("DROP POLICY own_members ON app_user")
    run("DROP TABLE membership, app_user, organization_profile")
    run("DROP INDEX ix_audit_event_actor_id")
    run("DELETE FROM audit_event WHERE organization_id IS NULL")
    run("ALTER TABLE audit_event ALTER COLUMN organization_id SET NOT NULL")
    run("""
        ALTER TABLE organization DROP CONSTRAINT ck_organization_status;
        UPDATE organization SET status = CASE status WHEN 'live' THEN 'active' ELSE 'suspended' END;
        ALTER TABLE organization
            ADD CONSTRAINT ck_organization_status CHECK (status IN ('active', 'suspended')),
            DROP COLUMN status_before, DROP COLUMN status_reason, DROP COLUMN closes_at,
            DROP COLUMN pilot_ends_at, DROP COLUMN legal_due_at;
    """)
