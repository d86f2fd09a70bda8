"""Policies from before a switch that is off meant off: one new version, a notice, and the impact."""

import msgspec
from flask import Flask
from sqlalchemy import select

from api.policies import services as policies
from api.policies.document import PolicyDocument
from api.policies.models import PolicyVersion
from core.audit import AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from portal.customer.policies.jobs import migrate_switches
from tests.cast import Caller, Member
from tests.people import Person, mails_to
from tests.portal.notify import deliveries_of, make_channel


def from_before(app: Flask, member: Member) -> None:
    """The member's policies as an older release stored them."""
    document = {**msgspec.to_builtins(PolicyDocument()), "block_personal_data": False}
    del document["count_points_when_off"]
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            PolicyVersion(
                organization_id=member.organization_id,
                version=2,
                document=document,
                created_at=utc_now(),
                created_by_kind="system",
            )
        )


def migrate(app: Flask) -> None:
    with app.app_context():
        migrate_switches(timestamp=0)


def newest(app: Flask, member: Member) -> tuple[int, PolicyDocument]:
    with app.app_context(), acting_for(member.organization_id):
        return policies.current(member.organization_id)


def audit_events(app: Flask) -> list[AuditEvent]:
    with app.app_context(), acting_as_system():
        return list(db.session.scalars(select(AuditEvent).where(AuditEvent.action == "policy.migrated")))


def test_old_policies_get_one_new_version_in_which_off_is_off(
    app: Flask, ada: Member, cleo: Member, as_ada: Caller
) -> None:
    from_before(app, ada)
    before = as_ada.check(metadata={"contains_personal_data": True}).json

    migrate(app)
    migrate(app)

    after = as_ada.check(metadata={"contains_personal_data": True}).json
    assert (before["allowed"], before["policy_version"]) == (False, 2)
    assert (after["allowed"], after["policy_version"]) == (True, 3)
    assert newest(app, cleo)[0] == 1
    (event,) = audit_events(app)
    assert event.organization_id == ada.organization_id
    assert (event.before, event.after) == (
        {"version": 2, "count_points_when_off": True},
        {"version": 3, "count_points_when_off": False, "looked_at": 1, "newly_allowed": 1},
    )


def test_its_people_are_told_with_the_impact(app: Flask, ada: Member, as_ada: Caller, owner: Person) -> None:
    channel = make_channel(app, ada.organization_id, "policy.migrated", now=utc_now()).channel
    from_before(app, ada)
    for contains in (True, True, False):
        as_ada.check(metadata={"contains_personal_data": contains, "is_external_model": False})

    migrate(app)

    (mail,) = [one for one in mails_to(app, owner.email) if one.template == "policies_migrated"]
    assert "Of your latest 3 decisions in the last seven days, 2 that were blocked would be allowed" in (
        mail.text or ""
    )
    assert "restore version 2" in (mail.text or "")
    assert [one.event for one in deliveries_of(app, channel.id)] == ["policy.migrated"]
    assert "2 that were blocked would be allowed" in owner.get("/dashboard").text
    assert "hard blocks that are off add no points" in owner.get("/audit-trail").text


def test_the_old_version_comes_back_and_is_not_migrated_again(
    app: Flask, ada: Member, as_ada: Caller, owner: Person
) -> None:
    from_before(app, ada)
    migrate(app)

    assert owner.post("/policies/versions/2/restore").status_code == 303
    migrate(app)

    answer = as_ada.check(metadata={"contains_personal_data": True}).json
    assert (answer["allowed"], answer["risk_score"], answer["policy_version"]) == (False, 70, 4)
    assert "would be allowed" not in owner.get("/dashboard").text
