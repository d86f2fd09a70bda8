"""The documents, who reviewed them, and who accepted them."""

from core.formats import day
from legal_docs.acceptances.status import behind
from legal_docs.documents import clauses, drafts
from legal_docs.documents import services as documents
from legal_docs.documents.clauses import Clause
from legal_docs.documents.kinds import TITLES, Kind
from portal.console.launch.checks.customers import live_customers
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red


def _reviewed(kind: Kind) -> CheckFunction:
    def look(around: CheckContext) -> Verdict:
        version = documents.current(kind, now=around.now)
        publish = f"Run flask legal publish {kind.value} … with the lawyer's review."
        if version is None:
            return red(f"The {TITLES[kind]} is not published.", to_do=publish)
        if version.reviewed_by == drafts.NOBODY:
            return red(f"Version {version.number} is a trial version without legal review.", to_do=publish)
        return green(f"Version {version.number} was reviewed by {version.reviewed_by} on {day(version.reviewed_on)}.")

    return look


def privacy_states_retention(around: CheckContext) -> Verdict:
    """Of decisions, and of what the payment provider tells: a version from before says less than is so."""
    version = documents.current(Kind.PRIVACY, now=around.now)
    if version is None:
        return red("The privacy policy is not published.", to_do="Publish it: flask legal publish privacy …")
    missing = [clause.value for clause in Clause if not clauses.is_stated(version.markdown, clause)]
    return either(
        not missing,
        f"Version {version.number} contains all required clauses: {', '.join(Clause)}.",
        otherwise=f"Version {version.number} does not contain these clauses as required: {', '.join(missing)}.",
        to_do="Publish a version that states it: flask legal publish privacy …",
    )


def customers_accepted(around: CheckContext) -> Verdict:
    live = live_customers()
    late = behind([one.id for one in live], now=around.now)
    open_ones = [one.slug for one in live if one.id in late]
    if not live:
        return red("There are no live customers yet.", to_do="Approve the first one.")
    return either(
        not open_ones,
        f"All live customers ({len(live)}) have accepted the Terms and the DPA.",
        otherwise=f"Not accepted by: {', '.join(open_ones[:5])}.",
        to_do="Contact them: live keys are disabled after their deadline.",
    )


CHECKS: dict[str, CheckFunction] = {
    "dpa_reviewed": _reviewed(Kind.DPA),
    "terms_reviewed": _reviewed(Kind.TERMS),
    "privacy_states_retention": privacy_states_retention,
    "customers_accepted": customers_accepted,
}
