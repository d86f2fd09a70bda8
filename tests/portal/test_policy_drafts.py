"""Drafts on their pages: without effect until published, and nobody overwrites what they have not seen."""

from uuid import UUID

from flask import Flask

from api.model_catalogue.entries import LATEST
from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.policies.drafts.services import Draft
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_for, transaction
from tests.cast import Caller, Member
from tests.people import Person
from tests.portal.test_policies import RULE, current, form_of

PERSONAL = {"contains_personal_data": True}


def create(person: Person) -> str:
    """The address of a new draft's page."""
    return str(person.post("/policies/drafts", name="Softer", note="For the pilot.").headers["Location"])


def draft_at(app: Flask, member: Member, path: str) -> Draft:
    with app.app_context(), acting_for(member.organization_id):
        return drafts.find(member.organization_id, UUID(path.rpartition("/")[2]))


def publish_elsewhere(app: Flask, member: Member, key: str, value: object) -> None:
    with app.app_context(), acting_for(member.organization_id), transaction():
        policies.change(member.organization_id, key, value, by=SYSTEM, now=utc_now())


def test_a_draft_has_no_effect_until_it_is_published(
    app: Flask, ada: Member, as_ada: Caller, developer: Person, viewer: Person
) -> None:
    path = create(developer)
    settings = form_of(app, ada, block_personal_data=None, version="1")

    assert developer.post(f"{path}/settings", **settings).status_code == 303
    assert developer.post(f"{path}/rules", **RULE, version="2").status_code == 303
    assert "Softer" in viewer.get("/policies/drafts").text
    page = viewer.get(path).text
    assert "Block personal data: changed from on to off." in page
    assert "This turns off hard blocks for all callers: Block personal data." in developer.get(path).text
    assert "Rules: added “hr_review”." in page
    assert "Publish</button>" not in page
    assert (current(app, ada)[0], as_ada.check(metadata=PERSONAL).json["allowed"]) == (1, False)

    assert developer.post(f"{path}/publish", version="3").status_code == 303
    version, document = current(app, ada)
    assert (version, document.block_personal_data, document.rules[0].code) == (2, False, "hr_review")
    assert as_ada.check(metadata=PERSONAL).json["allowed"]
    assert "Published a policy draft" in developer.get("/audit-trail").text


def test_two_who_publish_at_once_get_one_winner_and_what_changed(
    app: Flask, ada: Member, owner: Person, developer: Person
) -> None:
    first, second = create(owner), create(developer)
    owner.post(f"{first}/settings", **form_of(app, ada, max_risk_score="60", version="1"))
    developer.post(f"{second}/settings", **form_of(app, ada, points_large_dataset="5", version="1"))
    assert owner.post(f"{first}/publish", version="2").status_code == 303

    refused = developer.post(f"{second}/publish", version="2")

    assert refused.status_code == 409
    assert "Version 2 was published since, and changed: max_risk_score" in refused.text
    assert developer.post(f"{second}/rebase", version="2").status_code == 303
    assert developer.post(f"{second}/publish", version="3").status_code == 303
    document = current(app, ada)[1]
    assert (document.max_risk_score, document.points_large_dataset) == (60, 5)


def test_what_both_changed_is_named_and_somebody_chooses(app: Flask, ada: Member, developer: Person) -> None:
    path = create(developer)
    developer.post(f"{path}/settings", **form_of(app, ada, max_risk_score="60", version="1"))
    publish_elsewhere(app, ada, "max_risk_score", 70)

    asked = developer.post(f"{path}/rebase", version="2")
    assert asked.status_code == 409
    assert "max_risk_score" in asked.text
    assert draft_at(app, ada, path).base_version == 1

    assert developer.post(f"{path}/rebase", version="2", prefer="draft").status_code == 303
    draft = draft_at(app, ada, path)
    assert (draft.base_version, draft.document.max_risk_score) == (2, 60)


def test_a_change_on_a_draft_that_was_changed_since_is_refused(app: Flask, ada: Member, developer: Person) -> None:
    path = create(developer)
    developer.post(f"{path}/details", name="Other", note="", version="1")

    for action, fields in (
        ("settings", form_of(app, ada, max_risk_score="60", version="1")),
        ("discard", {"version": "1"}),
        ("publish", {"version": ""}),
        ("details", {"name": "x", "version": "1"}),
    ):
        assert developer.post(f"{path}/{action}", **fields).status_code == 409, action
    assert developer.post(f"{path}/rules", **RULE, version="1").status_code == 422
    assert draft_at(app, ada, path).document == current(app, ada)[1]


def test_a_draft_that_changes_nothing_or_is_closed_is_not_published(app: Flask, ada: Member, developer: Person) -> None:
    path = create(developer)
    assert developer.post(f"{path}/publish", version="1").status_code == 409
    assert developer.post(f"{path}/discard", version="1").status_code == 303

    assert developer.post(f"{path}/publish", version="2").status_code == 409
    assert developer.post(f"{path}/settings", **form_of(app, ada, version="2", max_risk_score="9")).status_code == 409
    assert current(app, ada)[0] == 1
    assert "discarded" in developer.get("/policies/drafts").text


def test_bad_input_is_told_at_its_field(app: Flask, ada: Member, developer: Person) -> None:
    assert 'id="name-error"' in developer.post("/policies/drafts", name=" ").text
    path = create(developer)

    settings = developer.post(f"{path}/settings", **form_of(app, ada, max_risk_score="101", version="1"))
    rule = developer.post(f"{path}/rules", **{**RULE, "all": "nonsense =="}, version="1")

    assert (settings.status_code, rule.status_code) == (422, 422)
    assert 'id="max_risk_score-error"' in settings.text
    assert 'id="all-error"' in rule.text


def test_a_rule_of_a_draft_is_changed_and_deleted(app: Flask, ada: Member, developer: Person) -> None:
    path = create(developer)
    developer.post(f"{path}/rules", **RULE, version="1")
    developer.post(f"{path}/rules/hr_review", **{**RULE, "message": "Ask first."}, version="2")
    assert "Ask first." in developer.get(f"{path}/rules/hr_review").text

    assert developer.post(f"{path}/rules/hr_review/remove", version="3").status_code == 303
    assert draft_at(app, ada, path).document.rules == ()
    assert developer.post(f"{path}/rules/hr_review/remove", version="4").status_code == 404


def test_models_required_facts_and_fail_modes_of_a_draft_are_edited_on_pages_like_those_of_the_active_policies(
    app: Flask, ada: Member, developer: Person, viewer: Person
) -> None:
    path, own = create(developer), {"is_external": "no", "provider": "", "family": "", "region": ""}
    edits: list[tuple[str, dict[str, str]]] = [
        ("models/catalogue", {"model_catalogue": LATEST.value, "on_contradiction": "block"}),
        ("models/own", {"original": "", "model": "own-*", **own}),
        ("required-facts", {"fact": "purpose", "if_missing": "block", "points": "0"}),
        ("fail-modes", {"mode": "block", "operations": "chat"}),
        ("fail-modes/0", {"mode": "allow_and_report", "operations": ""}),
    ]
    for revision, (part, fields) in enumerate(edits, start=1):
        saved = developer.post(f"{path}/{part}", **fields, version=str(revision))
        assert (saved.status_code, saved.headers["Location"]) == (303, f"{path}/{part.partition('/')[0]}"), part

    stale = {"model_catalogue": "", "on_contradiction": "caller", "version": "5"}
    assert developer.post(f"{path}/models/catalogue", **stale).status_code == 409
    document = draft_at(app, ada, path).document
    assert (document.model_catalogue, document.own_models[0].model) == (LATEST, "own-*")
    assert (document.required_facts[0].fact, document.on_unreachable[0].mode) == ("purpose", "allow_and_report")
    page = viewer.get(path).text
    assert "Required facts: added “purpose”." in page
    assert "All others" in viewer.get(f"{path}/fail-modes").text
    assert f'href="{path}/fail-modes/0"' in developer.get(f"{path}/fail-modes").text

    refused = developer.post(f"{path}/fail-modes", mode="block", operations="two words", version="5")
    assert (refused.status_code, 'name="version" value="5"' in refused.text) == (422, True)
    removals = [("models/own/remove", {"model": "own-*"}), ("required-facts/0/remove", {}), ("fail-modes/0/remove", {})]
    for revision, (part, fields) in enumerate(removals, start=6):
        assert developer.post(f"{path}/{part}", **fields, version=str(revision)).status_code == 303, part
    document = draft_at(app, ada, path).document
    assert (document.own_models, document.required_facts, document.on_unreachable) == ((), (), ())
    assert current(app, ada)[0] == 1
