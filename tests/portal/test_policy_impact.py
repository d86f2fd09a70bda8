"""The impact of a draft on its page: asked for, watched, canceled, taken away as a file."""

import msgspec
from flask import Flask
from sqlalchemy import func, select

from api.decisions.impact.analysis import Analysis
from api.decisions.impact.models import PolicyImpact
from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.policies.drafts.models import PolicyDraft
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from tests.api.test_impact import latest
from tests.cast import Caller, Member, exports
from tests.impact_steps import step
from tests.people import Person
from tests.portal.test_policies import RULE, form_of
from tests.portal.test_policy_drafts import create, draft_at


def analyze(app: Flask, member: Member, path: str) -> None:
    """As the worker does."""
    with app.app_context(), acting_for(member.organization_id):
        impact = latest(app, member, draft_at(app, member, path))
        with transaction():
            step(Analysis(member.organization_id, impact.id), now=utc_now())


def with_change(app: Flask, member: Member, person: Person) -> str:
    path = create(person)
    person.post(f"{path}/settings", **form_of(app, member, block_personal_data=None, version="1"))
    return path


def test_the_impact_is_asked_for_shown_and_downloaded(
    app: Flask, ada: Member, as_ada: Caller, developer: Person, viewer: Person
) -> None:
    decided = as_ada.check(metadata={"contains_personal_data": True}).json["decision_id"]
    as_ada.check()
    path = with_change(app, ada, developer)
    assert "Analyze impact" in developer.get(path).text

    assert developer.post(f"{path}/impact", days="7").status_code == 303
    by_script = {"HX-Request": "true"}
    waiting = viewer.get(f"{path}/impact", headers=by_script).text
    assert "0 of 2 decisions" in waiting
    assert "every 2s" in waiting
    assert viewer.get(f"{path}/impact/differences.csv").status_code == 404
    assert developer.post(f"{path}/impact", days="7").status_code == 409
    assert "HX-Refresh" not in viewer.get(f"{path}/impact", headers=by_script).headers
    analyze(app, ada, path)

    assert viewer.get(f"{path}/impact", headers=by_script).headers["HX-Refresh"] == "true"
    assert viewer.get(f"{path}/impact").headers["Location"] == f"{path}#impact"
    page = viewer.get(path).text
    assert "every 2s" not in page
    assert decided in page
    file = viewer.get(f"{path}/impact/differences.csv").text
    assert f"{decided},newly_allowed,contains_personal_data,gpt-4o" in file
    assert "records=1" in file
    assert exports(app, ada)[-1][1] == {"format": "csv"}
    developer.post(f"{path}/details", name="Other", note="", version="2")
    assert "Run it again" not in viewer.get(path).text
    developer.post(f"{path}/settings", **form_of(app, ada, max_risk_score="60", version="3"))
    assert "Run it again" in viewer.get(path).text


def test_an_analysis_is_canceled_once(app: Flask, ada: Member, developer: Person) -> None:
    path = with_change(app, ada, developer)
    developer.post(f"{path}/impact", days="30")

    assert developer.post(f"{path}/impact/cancel").status_code == 303
    assert developer.post(f"{path}/impact/cancel").status_code == 303
    analyze(app, ada, path)

    assert "was canceled after 0 of 0" in developer.get(path).text


def test_a_period_that_is_not_offered_is_refused(app: Flask, ada: Member, developer: Person) -> None:
    path = with_change(app, ada, developer)

    assert developer.post(f"{path}/impact", days="365").status_code == 422
    page = developer.get(path).text
    assert "Analyze impact" in page
    assert '<option value="90">All 90 days in the log</option>' in page


def test_drafts_and_their_analyses_go_with_a_closed_account(app: Flask, ada: Member, developer: Person) -> None:
    path = with_change(app, ada, developer)
    developer.post(f"{path}/impact", days="7")
    with app.app_context(), acting_for(ada.organization_id):
        assert b"Softer" in msgspec.json.encode(drafts.list_every(ada.organization_id))

    with app.app_context(), acting_as_system(), transaction():
        policies.forget(ada.organization_id, now=utc_now())

    with app.app_context(), acting_as_system():
        for table in (PolicyDraft, PolicyImpact):
            query = select(func.count()).where(table.organization_id == ada.organization_id)
            assert db.session.scalar(query) == 0


def test_a_rule_in_shadow_is_named_beside_what_it_does_not_count_for(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    as_ada.check()
    path = create(developer)
    assert developer.post(f"{path}/rules", **{**RULE, "state": "shadow", "version": "1"}).status_code == 303
    developer.post(f"{path}/impact", days="7")
    analyze(app, ada, path)

    page = " ".join(developer.get(path).text.split())
    assert f'In shadow, without effect on these numbers: <span class="mono">{RULE["code"]}</span>.' in page
