"""What the founding documents asked of Terms and DPA stands in the clause where it belongs."""

import re

import pytest

from legal_docs import figures
from legal_docs.documents.kinds import Kind
from tests.legal_docs.test_texts import text_of


def clause(kind: Kind, number: str) -> str:
    """Of a clause such as `5.1`, or of a heading such as `Annex II`, up to the next of its kind; in one line."""
    text = text_of(kind)
    is_numbered = re.fullmatch(r"\d+\.\d+", number) is not None
    begin = rf"^\*\*{re.escape(number)}\b" if is_numbered else rf"^## {re.escape(number)}"
    end = r"^\*\*\d+\.\d+|^## " if is_numbered else r"^## "
    _, *after = re.split(begin, text, maxsplit=1, flags=re.MULTILINE)
    return " ".join(re.split(end, after[0], maxsplit=1, flags=re.MULTILINE)[0].split())


SAID: dict[str, tuple[Kind, str, tuple[str, ...]]] = {
    "service description": (Kind.TERMS, "2.1", ("metadata", "allowed or blocked", "risk score", "reasons")),
    "pilot caveats": (Kind.TERMS, "11.3", ("still being developed", f"{figures.CHANGE_NOTICE_DAYS} days' notice")),
    "pilot service levels": (
        Kind.TERMS,
        "6.1",
        (f"{figures.PILOT_UPTIME_PERCENT} %", f"{figures.PILOT_DOWNTIME_HOURS} hours", "no credits"),
    ),
    "paid service levels": (Kind.TERMS, "6.2", (f"{figures.PAID_UPTIME_PERCENT} %", "credit")),
    "speed, errors and recovery": (
        Kind.TERMS,
        "6.3",
        (
            f"{figures.LATENCY_MS} milliseconds",
            f"fewer than {figures.ERROR_PERCENT} %",
            f"within {figures.RECOVERY_HOURS} hour",
        ),
    ),
    "six uses that are forbidden": (
        Kind.TERMS,
        "5.1",
        ("to harm people", "test its security", "data of another customer", "overload", "decompile", "resell"),
    ),
    "four consequences": (Kind.TERMS, "5.3", ("warn you", "limit or revoke a key", "suspend the account", "end the")),
    "four things that are not warranted": (
        Kind.TERMS,
        "11.2",
        ("free of every fault", "recognizes every risk", "fits your purpose", "software we do not know"),
    ),
    "six losses that are not owed": (
        Kind.TERMS,
        "12.2",
        (
            "lost profit",
            "lost revenue",
            "business opportunities",
            "lost goodwill",
            "a substitute",
            "other indirect loss",
        ),
    ),
    "what no limit touches": (Kind.TERMS, "12.3", ("gross negligence", "indemnities", "the law does not let us")),
    "ending with notice": (Kind.TERMS, "14.2", (f"{figures.TERMINATION_NOTICE_DAYS} days' notice", "at any time")),
    "three reasons to end at once": (
        Kind.TERMS,
        "14.4",
        ("break section 5.1", "a payment is still missing", "endangers the security"),
    ),
    "keys and data after the end": (
        Kind.TERMS,
        "14.6",
        ("live keys stop", "remains retrievable", f"within {figures.END_CONFIRMATION_DAYS} days"),
    ),
    "what is stored": (
        Kind.TERMS,
        "2.2",
        ("when it was made", "which key", "the model", "operation", "the score", "the decision", "how long the answer"),
    ),
    "what is refused": (Kind.TERMS, "2.3", ("prompts", "messages", "outputs", "documents", "request bodies")),
    "the table of retention": (
        Kind.TERMS,
        "9.3",
        (
            f"| Decision log | {figures.DEFAULT_RETENTION_DAYS} days",
            "| API keys | until you delete them",
            f"| Request counts for limits | {figures.WINDOW_SECONDS} seconds",
            f"at most {figures.ERROR_REPORT_DAYS} days",
            f"| Backups | {figures.BACKUP_DAYS} days",
        ),
    ),
    "what is the customer's": (Kind.TERMS, "10.1", ("keys", "policies", "decision log", "remain yours")),
    "our indemnity": (Kind.TERMS, "13.1", ("intellectual property", "breach of the DPA", "law that applies to us")),
    "the customer's indemnity": (
        Kind.TERMS,
        "13.2",
        ("in spite of section 2.3", "section 5.1 forbids", "not allowed to give us", "your software ran"),
    ),
    "changes that matter": (Kind.TERMS, "16.3", ("only when you accept it",)),
    "disputes": (
        Kind.TERMS,
        "18.2",
        (f"within {figures.NEGOTIATION_DAYS} days", "mediator", f"after {figures.MEDIATION_DAYS} days"),
    ),
    "what support excludes": (
        Kind.TERMS,
        "7.4",
        ("developing software for you", "designing your systems", "which policies you should have"),
    ),
    "whom to write to": (
        Kind.TERMS,
        "20. Whom to write to",
        (
            "Help with the service",
            f"{figures.LEGAL_REPLY_BUSINESS_DAYS} business days",
            f"{figures.CONTRACT_REPLY_BUSINESS_DAYS} business days",
            f"{figures.SECURITY_REPLY_HOURS} hours",
        ),
    ),
    "refunds": (Kind.TERMS, "8.5", ("refunded for the time that was not used", "Otherwise it is not refunded")),
    "payments that fail": (Kind.TERMS, "8.4", ("we tell you", "until the date that the message states")),
    "five purposes": (
        Kind.DPA,
        "2.4",
        ("Enforcing your policies", "audit trail", "abuse", "finding and repairing faults", "how long answers take"),
    ),
    "three categories of people": (
        Kind.DPA,
        "Annex II",
        ("employees and others who work for you", "your own customers", "users of your software, indirectly"),
    ),
    "five things that are not processed": (
        Kind.DPA,
        "Annex II",
        ("prompts and messages", "outputs of models", "documents, images", "names and addresses", "bodies of requests"),
    ),
    "the scope with its retention": (
        Kind.DPA,
        "Annex II",
        (f"{figures.DEFAULT_RETENTION_DAYS} days", f"{figures.WINDOW_SECONDS} seconds"),
    ),
    "what a breach is": (Kind.DPA, "9.1", ("confidentiality", "integrity", "availability")),
    "the customer's duties": (
        Kind.DPA,
        "2.7",
        ("decide on purposes", "lawful basis", "people are informed", "as few as your purpose needs", "tell us"),
    ),
    "after the end": (
        Kind.DPA,
        "10.3",
        (f"at least {figures.RETRIEVAL_DAYS} days", f"within {figures.BACKUP_DAYS} days more"),
    ),
    "the confirmation of the end": (Kind.DPA, "10.4", (f"within {figures.END_CONFIRMATION_DAYS} days",)),
    "audits": (Kind.DPA, "11.2", (f"{figures.AUDIT_NOTICE_DAYS} days",)),
    "penetration tests": (Kind.DPA, "11.3", (f"{figures.PENETRATION_TEST_NOTICE_DAYS} days",)),
    "no certificate of others as ours": (Kind.DPA, "11.6", ("are theirs", "do not claim to be certified")),
    "confidentiality": (Kind.DPA, "4.1", ("committed to confidentiality in writing",)),
    "help with impact assessments": (Kind.DPA, "8.4", ("description of the processing",)),
    "amendments": (Kind.DPA, "16.2", (f"{figures.CHANGE_NOTICE_DAYS} days' notice",)),
    "both sides sign": (Kind.DPA, "Annex I", ("Processor | Controller", "Signed by", "Date")),
}


@pytest.mark.parametrize("subject", list(SAID))
def test_a_clause_says_what_was_asked_of_it(subject: str) -> None:
    kind, number, phrases = SAID[subject]
    said = clause(kind, number)

    assert [phrase for phrase in phrases if phrase not in said] == []
