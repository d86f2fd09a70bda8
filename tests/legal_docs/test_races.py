"""Two at once, with real commits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask

from core.db import acting_as_system, acting_for, transaction
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.evidence import is_intact
from legal_docs.acceptances.schema import SeenDocument
from legal_docs.acceptances.services import VersionSuperseded
from tests.legal_docs.scene import (
    NOW,
    Firm,
    found_firm,
    mails,
    publish_first_versions,
    publish_second_terms,
    seen_now,
    statement,
)

AT_ONCE = 6


@pytest.fixture
def ada(live_app: Flask) -> Firm:
    with live_app.app_context(), acting_as_system(), transaction():
        publish_first_versions()
        return found_firm("ada-and-co")


def press(app: Flask, firm: Firm, seen: tuple[SeenDocument, ...], start: Barrier) -> list[UUID]:
    with app.app_context():
        start.wait()
        try:
            with acting_for(firm.id), transaction():
                words = statement(firm)
                return [
                    row.id for row in acceptances.accept(firm.id, seen=seen, statement=words, by=firm.owner, now=NOW)
                ]
        except VersionSuperseded:
            return []


def test_pressing_many_times_at_once_is_one_acceptance(live_app: Flask, ada: Firm) -> None:
    start = Barrier(AT_ONCE)
    with live_app.app_context():
        seen = seen_now()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: press(live_app, ada, seen, start), range(AT_ONCE)))

    with live_app.app_context(), acting_as_system():
        records = acceptances.history(ada.id)
        assert len(mails("legal_receipt")) == 1
        assert is_intact(records[::-1])
    assert len(records) == 2
    assert {tuple(answer) for answer in answers} == {tuple(record.id for record in records[::-1])}


def test_what_is_accepted_while_a_version_is_published_was_the_newest(live_app: Flask, ada: Firm) -> None:
    start = Barrier(2)

    def publish() -> None:
        with live_app.app_context(), acting_as_system():
            start.wait()
            with transaction():
                publish_second_terms(now=NOW)

    with live_app.app_context():
        seen = seen_now()
    with ThreadPoolExecutor(2) as pool:
        publishing = pool.submit(publish)
        accepted = pool.submit(press, live_app, ada, seen, start).result()
        publishing.result()

    with live_app.app_context(), acting_as_system():
        assert len(acceptances.history(ada.id)) == len(accepted)
