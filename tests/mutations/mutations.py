"""The mutations: each breaks one promise, and names the few tests that notice."""

import msgspec

LAUNCH = "portal/console/launch"
EVIDENCE = "tests/portal/launch/test_evidence.py"
PROMISES = "tests/portal/launch/test_promises.py"
RETENTION = "tests/api/test_retention.py"
ACCEPTANCES = "tests/legal_docs/test_acceptance_chain.py"


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
}
