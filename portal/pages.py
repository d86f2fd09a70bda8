"""Every blueprint of the portal, in one list: pages for people, and the few addresses that machines call."""

from flask import Blueprint

from portal.console import assurance_views as console_assurance_views
from portal.console import audit_views as console_audit_views
from portal.console import billing_views as console_money_views
from portal.console import ending_views as console_ending_views
from portal.console import legal_views as console_legal_views
from portal.console import mail_views as console_mail_views
from portal.console import plan_views as console_plan_views
from portal.console import views as console_views
from portal.console.handbook import views as handbook_views
from portal.console.launch import challenge_views, evidence_views
from portal.console.launch import views as launch_views
from portal.console.launch.schedules import views as launch_schedule_views
from portal.console.measures import views as measure_views
from portal.console.suspected_breaches import views as console_suspicion_views
from portal.customer.audit_log import views as trail_views
from portal.customer.dashboard import views as dashboard_views
from portal.customer.decisions import integrity_views, refused_views, saved_view_views, try_it_views
from portal.customer.decisions import views as decision_views
from portal.customer.documents import assurance_views, audit_views
from portal.customer.documents import public_views as legal_views
from portal.customer.documents import views as document_views
from portal.customer.keys import deletion_views as key_deletion_views
from portal.customer.keys import views as key_views
from portal.customer.offboarding import account_views as account_deletion_views
from portal.customer.offboarding import views as offboarding_views
from portal.customer.onboarding import application_views, well_known_views
from portal.customer.onboarding import views as start_views
from portal.customer.organization import views as organization_views
from portal.customer.people import log_in_views, proof_views, security_views
from portal.customer.people import views as people_views
from portal.customer.plan import payment_views
from portal.customer.plan import views as plan_views
from portal.customer.policies import fail_mode_views as policy_fail_mode_views
from portal.customer.policies import file_views as policy_file_views
from portal.customer.policies import model_views as policy_model_views
from portal.customer.policies import preset_views as policy_preset_views
from portal.customer.policies import proposal_views as policy_proposal_views
from portal.customer.policies import publishing_views as policy_publishing_views
from portal.customer.policies import required_fact_views as policy_required_fact_views
from portal.customer.policies import rule_views as policy_rule_views
from portal.customer.policies import truth_map_views as policy_truth_map_views
from portal.customer.policies import views as policy_views
from portal.customer.policies.drafts import content_views as policy_draft_content_views
from portal.customer.policies.drafts import impact_views as policy_impact_views
from portal.customer.policies.drafts import review_views as policy_review_views
from portal.customer.policies.drafts import testing_views as policy_testing_views
from portal.customer.policies.drafts import trying_views as policy_trying_views
from portal.customer.policies.drafts import views as policy_draft_views
from portal.customer.search import views as search_views
from portal.customer.suspected_breaches import views as suspicion_views
from portal.customer.team import views as team_views
from portal.customer.troubleshooting import views as troubleshooting_views
from portal.docs import reference_views
from portal.docs import views as docs_views
from portal.feedback import console_views as feedback_console_views
from portal.feedback import views as feedback_views
from portal.notifications import alert_views
from portal.notifications import reader_views as notification_reader_views
from portal.notifications import views as notification_views
from portal.public import crawler_views
from portal.public import views as site_views
from portal.status import breach_views, maintenance_views, monitor_views, public_views, subscriber_views
from portal.status import console_views as incident_views
from portal.support import desk_views, inbound_views, quarantine_views, survey_views
from portal.support import views as support_views

PAGES: tuple[Blueprint, ...] = (
    start_views.bp,
    well_known_views.bp,
    people_views.bp,
    log_in_views.bp,
    proof_views.bp,
    security_views.bp,
    application_views.bp,
    organization_views.bp,
    offboarding_views.bp,
    account_deletion_views.bp,
    team_views.bp,
    key_deletion_views.bp,
    key_views.bp,
    policy_views.bp,
    policy_rule_views.bp,
    policy_draft_views.bp,
    policy_draft_content_views.bp,
    policy_testing_views.bp,
    policy_review_views.bp,
    policy_publishing_views.bp,
    policy_trying_views.bp,
    policy_truth_map_views.bp,
    policy_fail_mode_views.bp,
    policy_file_views.bp,
    integrity_views.bp,
    policy_proposal_views.bp,
    policy_preset_views.bp,
    policy_required_fact_views.bp,
    policy_model_views.bp,
    policy_impact_views.bp,
    decision_views.bp,
    refused_views.bp,
    saved_view_views.bp,
    try_it_views.bp,
    dashboard_views.bp,
    search_views.bp,
    plan_views.bp,
    payment_views.bp,
    document_views.bp,
    assurance_views.bp,
    audit_views.bp,
    legal_views.bp,
    trail_views.bp,
    docs_views.bp,
    docs_views.old,
    reference_views.bp,
    site_views.bp,
    crawler_views.bp,
    troubleshooting_views.bp,
    suspicion_views.bp,
    support_views.bp,
    survey_views.bp,
    feedback_views.bp,
    notification_views.bp,
    notification_reader_views.bp,
    public_views.bp,
    subscriber_views.bp,
)
CONSOLE: tuple[Blueprint, ...] = (
    console_views.bp,
    console_ending_views.bp,
    console_plan_views.bp,
    console_money_views.bp,
    console_mail_views.bp,
    console_assurance_views.bp,
    console_audit_views.bp,
    console_legal_views.bp,
    desk_views.bp,
    incident_views.bp,
    maintenance_views.bp,
    breach_views.bp,
    console_suspicion_views.bp,
    notification_views.console,
    launch_views.bp,
    launch_schedule_views.bp,
    handbook_views.bp,
    measure_views.bp,
    feedback_console_views.bp,
)
FOR_MACHINES: tuple[Blueprint, ...] = (
    inbound_views.bp,
    quarantine_views.bp,
    subscriber_views.one_click,
    notification_reader_views.one_click,
    alert_views.bp,
    evidence_views.bp,
    monitor_views.bp,
    challenge_views.bp,
)
