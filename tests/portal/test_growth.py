"""Pages ask as often for many keys, members, decisions and organizations as for few, and stay as large as a page."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Connection, event, text

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.api.test_hourly import count, some, write
from tests.cast import Member
from tests.people import Person
from tests.portal.test_many_organizations import clone, statements

NEW, HASH = "gen_random_uuid()", "sha256(CAST('{tag}' || number AS bytea))"
MEMBERS_PAGES = (
    "/dashboard",
    "/dashboard/figures?span=month",
    "/decisions",
    "/decisions?model=gpt-4o",
    "/decisions?model=none",
    "/decisions?reason=contains_personal_data&allowed=false",
    "/decisions/values",
    "/keys",
    "/keys?q=grown",
    "/keys?ended=1",
    "/team",
    "/team?q=grown",
    "/audit-trail",
    "/audit-trail?action=grown.not",
    "/policies",
    "/policies/versions",
    "/plan",
    "/search?q=grown",
    "/help/checks/key",
    "/help/checks/limit",
)
OPERATORS_PAGES = (
    "/console/figures",
    "/console/organizations",
    "/console/billing",
    "/console/organizations/{organization}",
)
MOST_BYTES = 260_000
MORE_GROUPS = 6
"""A search asks for few hours first and then for ever more, which are a handful of statements at most."""


def grow(app: Flask, ada: Member, tag: str, *, many: int) -> None:
    """So many more keys, members, audit events and organizations, and decisions of the last days."""
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        numbers, own = f"generate_series(1, {many}) AS number", f"organization_id = '{ada.organization_id}'"
        key_name = f"'grown {tag} ' || number"
        old = "now() - interval '200 days'"
        revoked = "CASE WHEN number % 2 = 0 THEN now() END"
        hashed = HASH.format(tag=tag)
        clone(
            "api_key",
            own,
            numbers,
            id=NEW,
            lineage_id=NEW,
            name=key_name,
            token_hash=hashed,
            created_at=old,
            revoked_at=revoked,
        )
        email = f"'grown-{tag}-' || number || '@people.example'"
        clone("app_user", "is_operator = false", numbers, id=NEW, email=email, name=key_name)
        of_new = f"app_user AS u WHERE u.email LIKE 'grown-{tag}-%'"
        clone("membership", own, of_new, user_id="u.id", role="'viewer'")
        clone("audit_event", own, of_new, id=NEW, actor_id="u.id", actor_kind="'member'", action=f"'grown.{tag}'")
        slug = f"'grown-{tag}-' || number"
        clone("organization", "slug = 'ada-and-co'", numbers, id=NEW, slug=slug, name=key_name)
    some(app, ada, now, hours=many // 2)
    count(app, now)


@pytest.mark.parametrize("pages", ["members", "operators"])
def test_a_page_asks_as_often_for_many_rows_as_for_few(
    app: Flask, ada: Member, owner: Person, operator: Person, pages: str
) -> None:
    who, paths = (owner, MEMBERS_PAGES) if pages == "members" else (operator, OPERATORS_PAGES)
    addresses = [path.format(organization=ada.organization_id) for path in paths]
    grow(app, ada, "few", many=8)
    for path in addresses:
        who.get(path)  # what is remembered, is remembered now
    few = {path: statements(app, lambda path=path: who.get(path)) for path in addresses}  # type: ignore[misc]
    grow(app, ada, "many", many=120)

    many = {path: statements(app, lambda path=path: who.get(path)) for path in addresses}  # type: ignore[misc]

    assert {path: (few[path], many[path]) for path in addresses if many[path] > few[path] + MORE_GROUPS} == {}
    assert [path for path in addresses if len(who.get(path).data) > MOST_BYTES] == []


def test_all_keys_and_members_are_reached_page_by_page(app: Flask, ada: Member, owner: Person) -> None:
    grow(app, ada, "many", many=120)

    def rows(path: str, row: str) -> list[str]:
        found: list[str] = []
        while path:
            page = owner.get(path).text
            found += re.findall(row, page)
            following = re.search(r'href="([^"]*after=[^"]*)"', page)
            path = following[1].replace("&amp;", "&") if following else ""
        return found

    in_use, ended = (
        rows("/keys", 'class="name"><a href="/keys/([^"]+)'),
        rows("/keys?ended=1", 'class="name"><a href="/keys/([^"]+)'),
    )
    members = rows("/team", r"[\w.+-]+@people\.example")

    assert (len(in_use), len(set(in_use))) == (61, 61)
    assert (len(ended), len(set(ended))) == (60, 60)
    assert len(set(members)) == 121
    assert owner.get("/keys?after=nonsense").status_code == owner.get("/team?after=nonsense").status_code == 422


def test_no_search_reads_partitions_that_it_need_not(app: Flask, ada: Member, owner: Person) -> None:
    """Each statement over the log names a time, but for those that an index leads to."""
    some(app, ada, utc_now(), hours=30)
    count(app, utc_now())
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if re.search(r"\bFROM decision\b", statement):
            seen.append(statement)

    event.listen(Connection, "before_cursor_execute", note)
    try:
        for path in MEMBERS_PAGES:
            owner.get(path)
    finally:
        event.remove(Connection, "before_cursor_execute", note)

    assert len(seen) > 10
    assert [one for one in seen if "decided_at >=" not in one] == []


def test_many_keys_in_need_are_counted_and_few_are_named(app: Flask, ada: Member, owner: Person) -> None:
    few = owner.get("/dashboard").text
    grow(app, ada, "many", many=12)

    many = owner.get("/dashboard").text

    assert "API keys older than 90 days" not in few
    assert "API keys older than 90 days: 6. Rotate them." in many
    assert "Key grown" not in many


def test_an_old_decision_of_another_kind_does_not_hide_the_page(app: Flask, ada: Member, owner: Person) -> None:
    now = utc_now()
    some(app, ada, now, hours=3)
    with app.app_context(), acting_as_system(), transaction():
        write(ada, now - timedelta(minutes=20), 1, reasons='"none"', metadata="[]", model="")
    count(app, now)

    assert {path: owner.get(path).status_code for path in MEMBERS_PAGES if owner.get(path).status_code >= 500} == {}
