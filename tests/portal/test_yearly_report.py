"""A report of each year, from what is on record."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from api.usage.request_counts import BUCKETS_MS
from backups.models import BackupRun, RunKind, RunStatus
from core import audit
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from portal.status.models import Incident
from tests.people import Person
from tests.portal.test_assurance import audit_form

YEAR = utc_now().year
DAY = datetime(YEAR, 1, 1, tzinfo=UTC)
LAST = datetime(YEAR, 12, 31, 23, 59, tzinfo=UTC)


def section(page: str, heading: str) -> str:
    return page.partition(f">{heading}</h2>")[2].partition("<h2")[0]


def count_hour(app: Flask, person: Person, at: datetime, *, answered: int, failed: int) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(
            text(
                "INSERT INTO request_hour (id, organization_id, environment, hour, answered, refused, failed, slow,"
                " latencies) SELECT :id, organization_id, 'live', :hour, :answered, 3, :failed, 0, :latencies"
                " FROM membership WHERE user_id = :user"
            ),
            {
                "id": uuid4(),
                "hour": at,
                "answered": answered,
                "failed": failed,
                "latencies": [answered, *[0] * len(BUCKETS_MS)],
                "user": person.user_id,
            },
        )


def test_a_month_of_requests_is_stated_with_the_share_that_was_answered(app: Flask, viewer: Person) -> None:
    count_hour(app, viewer, DAY, answered=999, failed=1)

    page = viewer.get(f"/documents/report/{YEAR}").text

    assert all(words in section(page, "Requests to the check API") for words in ("January", "999", "99.9%"))


def test_what_a_stranger_asked_is_not_in_it(app: Flask, viewer: Person, stranger: Person) -> None:
    count_hour(app, stranger, DAY, answered=999, failed=1)

    assert "sent no live requests" in viewer.get(f"/documents/report/{YEAR}").text


@pytest.mark.parametrize(("at", "is_in"), [(DAY, True), (LAST, True), (DAY - timedelta(seconds=1), False)])
def test_incidents_and_restores_of_the_year_are_in_it(app: Flask, viewer: Person, at: datetime, is_in: bool) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            Incident(
                id=new_uuid(),
                title="Slow answers",
                status="resolved",
                impact="minor",
                version=1,
                began_at=at,
                opened_at=at,
                published_at=at,
                updated_at=at,
                resolved_at=at,
            )
        )
        db.session.add(
            BackupRun(
                id=new_uuid(),
                kind=RunKind.VERIFICATION.value,
                backup="b",
                status=RunStatus.SUCCEEDED.value,
                started_at=at,
                finished_at=at,
            )
        )

    page = viewer.get(f"/documents/report/{YEAR}").text

    assert ("Slow answers" in page) == is_in
    assert f"compared</td>\n<td>{int(is_in)}</td>" in page


def test_an_incident_that_was_never_published_is_not_in_it(app: Flask, viewer: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        facts = {"began_at": DAY, "opened_at": DAY, "updated_at": DAY}
        db.session.add(
            Incident(id=new_uuid(), title="Not told", status="investigating", impact="minor", version=1, **facts)
        )

    assert "Not told" not in viewer.get(f"/documents/report/{YEAR}").text


def test_deletions_are_counted(app: Flask, viewer: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        organization_id = db.session.scalar(
            text("SELECT organization_id FROM membership WHERE user_id = :id"), {"id": viewer.user_id}
        )
        for decisions in (20, 22):
            audit.write(organization_id, "decisions.purged", by=SYSTEM, now=DAY, after={"decisions": decisions})

    assert "Decisions deleted by these runs</td>\n<td>42</td>" in viewer.get(f"/documents/report/{YEAR}").text


def test_documents_and_audits_of_the_year_are_in_it(documents: None, owner: Person) -> None:
    path = owner.post("/documents/audits", **audit_form()).headers["Location"]
    starts_on = utc_now() + timedelta(days=20)
    assert owner.get(path).status_code == 200

    page = owner.get(f"/documents/report/{YEAR}").text

    assert "Terms of Service 1.0" in section(page, "Documents")
    assert ("Under review" in section(page, "Audits")) == (starts_on.year == YEAR)


@pytest.mark.parametrize("year", [1999, YEAR + 1])
def test_there_is_no_report_of_a_year_without_the_account(viewer: Person, year: int) -> None:
    assert viewer.get(f"/documents/report/{year}").status_code == 404
    assert viewer.get(f"/documents/report/{year}.pdf").status_code == 404


def test_it_can_be_printed_and_the_short_address_leads_to_this_year(viewer: Person) -> None:
    assert viewer.get("/documents/report").headers["Location"] == f"/documents/report/{YEAR}"
    assert viewer.get(f"/documents/report/{YEAR}.pdf").data.startswith(b"%PDF")
