"""The mutations: each breaks one promise, and names the few tests that notice."""

import msgspec

LAUNCH = "portal/console/launch"
EVIDENCE = "tests/portal/launch/test_evidence.py"
PROMISES = "tests/portal/launch/test_promises.py"
RETENTION = "tests/api/test_retention.py"
ACCEPTANCES = "tests/legal_docs/test_acceptance_chain.py"
COMPLETENESS = "tests/legal_docs/test_register_completeness.py"
MEASURES = "tests/legal_docs/test_measures.py"
KEY_ERASURE = "tests/api/test_key_erasure.py"


class Mutation(msgspec.Struct, frozen=True):
    file: str
    before: str
    """Stands in the file once."""
    after: str
    guard: tuple[str, ...]
    """By the ids of pytest."""


def broken(name: str) -> tuple[str]:
    """A break of the launch board's world."""
    return (f"tests/portal/launch/test_breaks.py::test_what_is_broken_is_red_and_nothing_else[{name}]",)


def refused(name: str) -> tuple[str]:
    return (f"{EVIDENCE}::test_what_does_not_count_is_refused_and_turns_nothing_green[{name}]",)


MUTATIONS = {
    "alerts: any names do": Mutation(
        f"{LAUNCH}/checks/monitoring.py",
        "missing = [name for name in ALERTS_FOR if name not in healthy]",
        "missing: list[str] = []",
        broken("rules of others"),
    ),
    "alerts: sent is enough": Mutation(
        f"{LAUNCH}/checks/monitoring.py", "_arrived(mark),", "True,", broken("alerts get lost")
    ),
    "certificate: any end does": Mutation(
        f"{LAUNCH}/checks/outside.py",
        "ends_at - around.now >= VALID_FOR",
        "True",
        broken("a certificate that ends too soon"),
    ),
    "filters: no fault counts": Mutation(
        f"{LAUNCH}/checks/evidence.py",
        "lambda found: found.failures",
        "lambda _: []",
        (f"{EVIDENCE}::test_evidence_of_a_fault_counts_and_is_red[filters_hold-body4]",),
    ),
    "pages: no fault counts": Mutation(
        f"{LAUNCH}/checks/evidence.py",
        "lambda found: found.markup",
        "lambda _: []",
        (f"{EVIDENCE}::test_evidence_of_a_fault_counts_and_is_red[pages_hold-body5]",),
    ),
    "contacts: one is enough": Mutation(
        f"{LAUNCH}/checks/customers.py",
        "if one.contact_email and one.second_contact_email",
        "if one.contact_email",
        broken("no second contact"),
    ),
    "plan pages: none is needed": Mutation(
        f"{LAUNCH}/checks/money.py",
        "[path for path in PAGES if path not in rules]",
        "[]",
        broken("a page of plans is gone"),
    ),
    "privacy: the figure anywhere does": Mutation(
        f"{LAUNCH}/checks/promises.py",
        "if not clauses.is_stated(version.markdown, clause)",
        "if '90 days' not in version.markdown",
        (f"{PROMISES}::test_a_text_without_the_clause_is_red_although_it_says_the_figure_elsewhere",),
    ),
    "acceptance: nobody is behind": Mutation(
        f"{LAUNCH}/checks/promises.py",
        "if one.id in late]",
        "if one.id in ()]",
        broken("terms that nobody accepted"),
    ),
    "backups: a failure is none": Mutation(
        f"{LAUNCH}/checks/data.py",
        "if status.failure or status.is_overdue:",
        "if status.is_overdue:",
        broken("the backup failed"),
    ),
    "evidence: any host does": Mutation(
        f"{LAUNCH}/evidence.py", "evidence.host != expected.host", "False", refused("another host")
    ),
    "evidence: one answer does": Mutation(f"{LAUNCH}/evidence.py", "0.99, 600", "0.0, 600", refused("too few answers")),
    "evidence: a shortened run does": Mutation(
        f"{LAUNCH}/evidence.py", " or found.is_shortened", "", refused("a shortened run")
    ),
    "domain: whoever answers is us": Mutation(
        f"{LAUNCH}/challenge.py",
        "return any(hmac",
        "return True or any(hmac",
        broken("another installation behind the name"),
    ),
    "stripe: a sandbox is enough": Mutation(
        f"{LAUNCH}/checks/money.py",
        "    if not around.settings.stripe_api_key:\n        return stripe_set(around)\n    try:",
        "    try:",
        broken("no key of stripe"),
    ),
    "retention: a day too early": Mutation(
        "api/decisions/retention.py",
        "(now - timedelta(days=days)).date()",
        "(now - timedelta(days=days - 1)).date()",
        (f"{RETENTION}::test_a_day_is_kept_whole_until_its_retention_is_over",),
    ),
    "retention: a day too late": Mutation(
        "api/decisions/retention.py",
        "(now - timedelta(days=days)).date()",
        "(now - timedelta(days=days + 1)).date()",
        (f"{RETENTION}::test_a_day_is_kept_whole_until_its_retention_is_over",),
    ),
    "retention: partitions a day too early": Mutation(
        "api/decisions/retention.py",
        '{"before": oldest.date()}',
        '{"before": oldest.date() + timedelta(days=1)}',
        (f"{RETENTION}::test_a_day_is_kept_whole_until_its_retention_is_over",),
    ),
    "acceptances: no hash of the one before": Mutation(
        "legal_docs/acceptances/evidence.py",
        "acceptance.position == position and acceptance.previous_sha256 == previous",
        "acceptance.position == position",
        (f"{ACCEPTANCES}::test_a_chain_that_somebody_tampered_with_is_not_intact",),
    ),
    "acceptances: any position": Mutation(
        "legal_docs/acceptances/evidence.py",
        "acceptance.position == position and acceptance.previous_sha256 == previous",
        "acceptance.previous_sha256 == previous",
        (f"{ACCEPTANCES}::test_a_chain_that_somebody_tampered_with_is_not_intact",),
    ),
    "acceptances: any hash of its own": Mutation(
        "legal_docs/acceptances/evidence.py",
        "if not is_next or acceptance.evidence_sha256 != hash_of(acceptance):",
        "if not is_next:",
        (f"{ACCEPTANCES}::test_a_chain_that_somebody_tampered_with_is_not_intact",),
    ),
    "acceptances: lawful use need not be ticked": Mutation(
        "legal_docs/acceptances/services.py",
        "if text.strip()]) != ACKNOWLEDGEMENTS:",
        "if text.strip()]) > ACKNOWLEDGEMENTS:",
        ("tests/legal_docs/test_acceptances.py::test_lawful_use_and_the_limits_of_a_pilot_are_acknowledged",),
    ),
    "register: a gap may stay": Mutation(
        "legal_docs/publishing.py",
        "refuse_gaps(register, services_in_use(settings))",
        "services_in_use(settings)",
        (
            f"{COMPLETENESS}::test_publishing_is_refused_while_a_field_is_empty",
            f"{COMPLETENESS}::test_publishing_is_refused_while_a_company_is_not_named",
        ),
    ),
    "register: nobody is in use": Mutation(
        "legal_docs/register/completeness.py",
        "return frozenset(service for service, is_used in used.items() if is_used)",
        "return frozenset()",
        (f"{COMPLETENESS}::test_whoever_has_an_address_in_the_settings_is_in_use",),
    ),
    "register: a change over an objection": Mutation(
        "legal_docs/register/effect.py",
        " and not waits_for(change, now=now)",
        "",
        ("tests/legal_docs/test_register.py::test_a_change_waits_while_a_customer_s_objection_is_open",),
    ),
    "register: a change before the notice is over": Mutation(
        "legal_docs/register/effect.py",
        "sorted({*held_by(change), *_without_notice(change, now=now)})",
        "sorted({*held_by(change)})",
        ("tests/legal_docs/test_register.py::test_a_change_waits_until_everybody_has_had_the_days_they_were_promised",),
    ),
    "measures: an unmet one is promised": Mutation(
        "legal_docs/measures/services.py",
        "row is not None and row.is_met and now",
        "row is not None and now",
        (f"{MEASURES}::test_in_production_no_measure_may_be_missing",),
    ),
    "measures: a look of long ago counts": Mutation(
        "legal_docs/measures/services.py",
        "now - row.checked_at <= FRESH_FOR",
        "now >= row.checked_at",
        (f"{MEASURES}::test_what_was_seen_long_ago_does_not_count",),
    ),
    "keys: one that works is deleted": Mutation(
        "api/keys/deletion.py",
        "if key.is_live_at(now):",
        "if key.is_live_at(now) and not key_id:",
        (f"{KEY_ERASURE}::test_a_key_that_works_is_not_deleted",),
    ),
    "keys: an erasure leaves the decisions": Mutation(
        "api/decisions/key_erasure.py",
        "erased = _delete_decisions(organization_id, key_id, now=now)",
        "erased = 0",
        (f"{KEY_ERASURE}::test_an_erased_key_takes_its_decisions_along_and_no_others",),
    ),
    "keys: a restore brings one back": Mutation(
        "api/decisions/key_erasure.py",
        "    deletion.remove_again(organization_id, key_id)\n",
        "",
        (f"{KEY_ERASURE}::test_after_a_restore_it_is_erased_again",),
    ),
    "audits: no notice is needed": Mutation(
        "legal_docs/audits/rules.py",
        "if starts_on < earliest:",
        "if starts_on < today:",
        ("tests/legal_docs/test_audits.py::test_the_notice_is_as_agreed",),
    ),
}
