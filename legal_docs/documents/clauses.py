"""Clauses by name: a heading of a text and what stands below it, so that a check asks one clause and no other."""

from enum import StrEnum
from itertools import takewhile

from legal_docs.documents.drafts import fill
from legal_docs.documents.html import heading_ids


class Clause(StrEnum):
    """The id of the heading; the source is of the same name."""

    DECISION_LOG = "decision-log"
    PAYMENT_EVENTS = "events-of-the-payment-provider"


_SOURCES = {Clause.DECISION_LOG: "_decision_log", Clause.PAYMENT_EVENTS: "_payment_events"}


def find(markdown: str, clause: Clause) -> str | None:
    """What the text says under that heading, up to the next heading; None where it has no such clause."""
    lines = markdown.splitlines()
    headings = heading_ids(markdown)
    at = next((line for line, identifier in headings.items() if identifier == clause), None)
    if at is None:
        return None
    body = takewhile(lambda line: line[0] not in headings, enumerate(lines[at + 1 :], start=at + 1))
    return _levelled(" ".join(text for _, text in body))


def is_stated(markdown: str, clause: Clause) -> bool:
    """Whether a text has the clause, in the words and with the figures of this software."""
    wanted = find(fill(_SOURCES[clause]), clause)
    return wanted is not None and find(markdown, clause) == wanted


def _levelled(text: str) -> str:
    return " ".join(text.split())
