"""The plan page, what operators give by hand, and the limits of a plan wherever they are met."""

from datetime import timedelta

from flask import Flask

from api.runtime import runtime
from billing import entitlements
from billing.plans import PlanCode
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.jobs import run_worker
from tests.cast import Caller, Member, organization_with_key
from tests.people import Person, mails_to, person


def give(app: Flask, who: Member, plan: PlanCode) -> None:
    with app.app_context(), acting_as_system(), transaction():
        entitlements.grant(who.organization_id, plan, until=None, reason="Agreed.", by=COMMAND_LINE, now=utc_now())


def test_the_page_says_what_one_has_and_why_and_what_is_used(as_ada: Caller, viewer: Person) -> None:
    as_ada.check()

    page = viewer.get("/plan").text

    assert "Your pilot is free until" in page
    assert "<strong>1</strong> live check since" in " ".join(page.split())
    for words in ("$49 a month", "10,000", "By agreement", "Compare plans"):
        assert words in page
    assert "Pay as you go" not in page
    assert "Contact sales" not in page  # a viewer may not


def test_the_share_of_valid_requests_that_were_answered_is_that_of_ones_own_live_keys(
    app: Flask, ada: Member, cleo: Member, viewer: Person
) -> None:
    assert "No valid live requests yet this month" in viewer.get("/plan").text
    for who, environment, status, count in (
        (ada, "live", 200, 3),
        (ada, "live", 503, 1),
        (ada, "live", 429, 5),
        (ada, "test", 503, 7),
        (cleo, "live", 503, 9),
    ):
        for _ in range(count):
            runtime(app).requests.note(
                who.organization_id,
                key_id=who.key_id if environment == "live" else None,
                environment=environment,
                status=status,
                seconds=0.1,
                at=utc_now(),
            )
    runtime(app).requests.flush()

    page = viewer.get("/plan").text

    assert "The API answered 75% of your valid live checks this month: 3 of 4" in page
    assert '5 more requests were <a href="/decisions/refused?period=month&amp;environment=live">rejected</a>' in page


def test_enterprise_is_asked_for_once_and_operators_are_told(live_app: Flask) -> None:
    ada = organization_with_key(live_app)
    bill = person(live_app, "Bill", ada.organization_id)
    olga = person(live_app, "Olga", is_operator=True)

    for _ in range(2):
        assert bill.post("/plan/enterprise").status_code == 303

    run_worker(live_app, until_done=True)
    assert [mail.template for mail in mails_to(live_app, olga.email)] == ["enterprise_asked"]
    assert "You contacted us on" in bill.get("/plan").text


def test_an_operator_gives_a_plan_and_takes_it_back(app: Flask, ada: Member, viewer: Person, operator: Person) -> None:
    path = f"/console/organizations/{ada.organization_id}"
    until = (utc_now() + timedelta(days=90)).date().isoformat()

    assert operator.post(f"{path}/grant", plan="enterprise", until=until, reason="").status_code == 422
    assert operator.post(f"{path}/grant", plan="enterprise", until="2020-01-01", reason="Past.").status_code == 422
    assert operator.post(f"{path}/grant", plan="enterprise", until=until, reason="Paid by invoice.").status_code == 303
    assert "Paid by invoice." in viewer.get("/plan").text
    assert "Set the plan manually" in viewer.get("/audit-trail").text

    assert operator.post(f"{path}/grant/end").status_code == 303
    assert operator.post(f"{path}/grant/end").status_code == 409
    assert "Your pilot is free until" in viewer.get("/plan").text


def test_paying_as_one_goes_shows_where_an_operator_offers_it(ada: Member, viewer: Person, operator: Person) -> None:
    path = f"/console/organizations/{ada.organization_id}/metered"

    operator.post(path, offered="yes")
    assert "Pay as you go" in viewer.get("/plan").text

    operator.post(path, offered="no")
    assert "Pay as you go" not in viewer.get("/plan").text


def test_no_operator_gives_plans_to_an_organization_of_their_own(app: Flask, ada: Member) -> None:
    olga = person(app, "Olga", ada.organization_id, is_operator=True)

    answer = olga.post(f"/console/organizations/{ada.organization_id}/grant", plan="enterprise", reason="For me.")

    assert answer.status_code == 403


def test_keys_members_and_retention_end_where_the_plan_does(
    app: Flask, ada: Member, owner: Person, admin: Person, viewer: Person
) -> None:
    give(app, ada, PlanCode.FREE)
    for number in range(4):
        fields = {"name": f"Key {number}", "environment": "live", "scopes": ["checks:write"], "life": ""}
        assert owner.post("/keys", **fields).status_code == 200, number
    assert "includes 5 active keys" in owner.post("/keys", **{**fields, "name": "One too many"}).text

    answer = owner.post("/team/invitations", email="fourth@people.example", role="viewer")
    assert answer.status_code == 409
    assert "includes 3 members" in answer.text

    answer = owner.post("/organization/retention", days="365")
    assert answer.status_code == 409
    assert "up to 183 days" in answer.text
    assert "1,095 days</button>" not in owner.get("/organization/retention").text
    assert owner.post("/organization/retention", days="183").status_code == 303


def test_what_is_there_beyond_a_smaller_plan_stays(app: Flask, ada: Member, owner: Person) -> None:
    owner.post("/organization/retention", days="730")
    give(app, ada, PlanCode.FREE)

    assert "730 days" in owner.get("/organization").text
    assert owner.post("/organization/retention", days="730").status_code == 303
    assert owner.post("/organization/retention", days="731").status_code == 409
