"""What the documents in force say, asked of the clause itself."""

import pytest
from flask import Flask

from core import current
from core.clock import utc_now
from core.db import acting_as_system
from legal_docs import figures
from legal_docs.documents import drafts, services
from legal_docs.documents.clauses import Clause, find
from legal_docs.documents.kinds import Kind
from portal.console.launch.checks import CHECKS
from portal.console.launch.verdicts import CheckContext, Verdict
from tests.legal_docs.scene import NOW, PROVIDER, REVIEW


def privacy() -> str:
    facts = {"provider": PROVIDER, "register": (), "review": REVIEW, "published_at": NOW, "effective_at": NOW}
    facts["measures"] = {}
    return drafts.draft(Kind.PRIVACY, number="1.0", **facts)  # type: ignore[arg-type]


def verdict_on(app: Flask, markdown: str, monkeypatch: pytest.MonkeyPatch) -> Verdict:
    """What the board says while this text is in force."""
    monkeypatch.setattr(services, "current", lambda *_, **__: Version(markdown))
    with app.app_context(), acting_as_system():
        return CHECKS["privacy_states_retention"](CheckContext(current.settings(), utc_now()))


class Version:
    number = "1.1"

    def __init__(self, markdown: str) -> None:
        self.markdown = markdown


def without(clause: Clause) -> str:
    text = privacy()
    heading = next(
        line
        for line in text.splitlines()
        if line.startswith("### ") and line[4:].lower()[:8] == clause[:8].replace("-", " ")
    )
    before, _, after = text.partition(heading)
    return before + after[after.index("\n#") :]


def test_the_text_of_this_software_has_every_clause(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict_on(app, privacy(), monkeypatch).is_green


@pytest.mark.parametrize("clause", list(Clause))
def test_a_text_without_the_clause_is_red_although_it_says_the_figure_elsewhere(
    app: Flask, monkeypatch: pytest.MonkeyPatch, clause: Clause
) -> None:
    text = (
        without(clause)
        + f"\nError reports: {figures.DEFAULT_RETENTION_DAYS} days, {figures.FAILED_PAYMENT_EVENT_DAYS} days.\n"
    )

    verdict = verdict_on(app, text, monkeypatch)

    assert (verdict.is_green, clause.value in verdict.seen) == (False, True)


def test_a_text_that_states_another_time_is_red(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    text = privacy().replace(f"**{figures.DEFAULT_RETENTION_DAYS} days**", "**30 days**")

    assert not verdict_on(app, text, monkeypatch).is_green


def test_a_clause_ends_at_the_next_heading() -> None:
    assert find("### Decision log\n\nKept.\n\n## 7. More\n\nNot of it.\n", Clause.DECISION_LOG) == "Kept."
    assert find("Decision log\n\nKept.\n", Clause.DECISION_LOG) is None
