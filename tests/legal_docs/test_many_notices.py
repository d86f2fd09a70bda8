"""Notices to many organizations: told in parts, and looked after with as many queries as a few need."""

from datetime import timedelta
from typing import Any, cast

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from core.audit import SYSTEM
from core.clock import utc_now
from core.db import db
from core.jobs import Queue
from core.members import User
from core.profiles import OrganizationProfile
from legal_docs.documents.kinds import Kind
from legal_docs.jobs import follow_up_notices, give_change_notices, give_version_notices
from legal_docs.notices import services as notices
from legal_docs.notices.models import LegalNotice
from legal_docs.register import changes
from legal_docs.register.changes import ChangeKind
from tests.api.test_usage_of_many import statements
from tests.billing.test_entitlements import in_job
from tests.legal_docs.scene import HOST, NOW, accept_all, found_firm, mails, publish_version


def firms(count: int) -> None:
    """They accepted what there was; every third cannot be reached."""
    for number in range(count):
        firm = found_firm(f"firm-{number}")
        accept_all(firm, now=NOW + timedelta(minutes=1))
        if number % 3 == 2:
            db.session.execute(update(User).where(User.id == firm.owner_id).values(disabled_at=NOW))
            of_firm = OrganizationProfile.organization_id == firm.id
            db.session.execute(update(OrganizationProfile).where(of_firm).values(contact_email=""))


def bring_news() -> None:
    """New versions, and a change of the register."""
    now = utc_now()
    for kind in Kind:
        publish_version(kind, "2.0", now=now, effective_at=now + timedelta(days=31))
    ahead = now + timedelta(days=60)
    changes.announce(ChangeKind.ADD, reason="More room.", takes_effect_at=ahead, by=SYSTEM, now=now, entry=HOST)
    db.session.commit()


def notices_given() -> int:
    return db.session.scalar(select(func.count()).select_from(LegalNotice)) or 0


def queries_while_mails_wait(app: Flask, count: int) -> int:
    db.session.commit()
    savepoint = cast("Any", db.engine).begin_nested()
    firms(count)
    bring_news()
    in_job(app, follow_up_notices)
    with statements(app) as seen:
        in_job(app, follow_up_notices)
    db.session.remove()
    savepoint.rollback()
    return len(seen)


def test_notices_on_their_way_cost_as_many_queries_for_many_as_for_a_few(
    app: Flask, published: None, mail_server_away: None
) -> None:
    assert queries_while_mails_wait(app, 15) == queries_while_mails_wait(app, 3)


def test_many_are_told_in_several_transactions_and_once_each(
    app: Flask, published: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "AT_ONCE", 2)
    firms(8)
    bring_news()

    in_job(app, follow_up_notices)
    told = notices_given()
    in_job(app, follow_up_notices)

    assert told == 6 * (len(Kind) + 1)
    assert notices_given() == told
    assert len(mails("legal_new_version")) == 6 * len(Kind) * 2  # an owner and a contact


def test_what_is_sent_to_many_leaves_after_what_somebody_waits_for(
    app: Flask, published: None, mail_server_away: None
) -> None:
    firms(1)
    bring_news()

    in_job(app, follow_up_notices)

    query = "SELECT priority FROM jobs.procrastinate_jobs WHERE args ->> 'mail_id' = :id"
    of_notices = [
        db.session.scalar(text(query), {"id": str(mail.id)})
        for mail in [*mails("legal_new_version"), *mails("legal_sub_processor")]
    ]
    assert set(of_notices) == {-10}


@pytest.mark.parametrize("job", [follow_up_notices, give_change_notices, give_version_notices])
def test_telling_everybody_takes_no_place_of_short_jobs(job: Any) -> None:
    assert job.queue == Queue.LONG
