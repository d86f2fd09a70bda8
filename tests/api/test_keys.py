"""Keys: format, access, creation, rotation, revocation."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from api.keys import lookup, services
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment, is_well_formed, issue_token
from api.runtime import Runtime
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db
from tests.cast import ALL_SCOPES, Caller, Member, another_key, organization_with_key


def test_a_token_names_its_environment_and_carries_a_checksum() -> None:
    token = issue_token(KeyEnvironment.LIVE)

    assert token.secret.startswith("aig_live_")
    assert len(token.secret) == 42
    assert is_well_formed(token.secret)


@given(st.integers(0, 41), st.sampled_from("0aZ_é"))
def test_a_mistyped_token_is_told_by_its_checksum(position: int, character: str) -> None:
    secret = issue_token(KeyEnvironment.TEST).secret
    mistyped = secret[:position] + character + secret[position + 1 :]

    assert is_well_formed(mistyped) is (mistyped == secret)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_each_way_a_key_fails_has_its_own_answer(app: Flask, ada: Member, as_ada: Caller) -> None:
    expired = another_key(app, ada, expires_at=utc_now() + timedelta(hours=1), now=utc_now())
    with app.app_context(), acting_as_system():
        db.session.execute(text("UPDATE api_key SET expires_at = now() WHERE id = :id"), {"id": expired.key_id})
        db.session.commit()
    revoked = another_key(app, ada)
    as_ada.post(f"/v1/keys/{revoked.shown_key_id}/revoke")
    elsewhere = another_key(app, ada, allowed_networks=("203.0.113.0/24",))

    def check(secret: str | None) -> tuple[int, str]:
        return code_of(Caller(app.test_client(), secret).check())

    assert check(None) == (401, "missing_api_key")
    assert check("aig_live_short") == (401, "malformed_api_key")
    assert check(issue_token(KeyEnvironment.LIVE).secret) == (401, "unknown_api_key")
    assert check(revoked.secret) == (401, "revoked_api_key")
    assert check(expired.secret) == (401, "expired_api_key")
    assert check(elsewhere.secret) == (403, "address_not_allowed")


def test_a_malformed_key_costs_no_look_up(as_nobody: Caller, room: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_look_up(_: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr(room.snapshots, "key", no_look_up)

    assert as_nobody.post("/v1/check", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_a_check_key_can_do_nothing_else(app: Flask, ada: Member) -> None:
    check_key = another_key(app, ada, scopes=(Scope.CHECKS_WRITE,))
    caller = Caller(app.test_client(), check_key.secret)

    assert caller.check().status_code == 200
    for method, path in (
        ("GET", "/v1/decisions"),
        ("GET", "/v1/decisions/dec_" + "0" * 32),
        ("GET", "/v1/decisions/export"),
        ("GET", "/v1/policies"),
        ("PATCH", "/v1/policies/max_risk_score"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("POST", f"/v1/keys/{ada.shown_key_id}/rotate"),
        ("POST", f"/v1/keys/{ada.shown_key_id}/revoke"),
    ):
        assert code_of(caller.send(method, path)) == (403, "missing_scope"), path


def test_a_created_key_works_and_its_secret_is_shown_once(app: Flask, as_ada: Caller) -> None:
    created = as_ada.post("/v1/keys", {"name": "CI", "environment": "live"})

    assert created.status_code == 201
    assert created.headers["Cache-Control"] == "no-store"
    secret = created.json["secret"]
    assert Caller(app.test_client(), secret).check().status_code == 200
    listed = as_ada.get("/v1/keys")
    assert secret not in listed.text
    assert listed.json["keys"][0]["last_four"] == secret[-4:]
    with app.app_context(), acting_as_system():
        stored = db.session.execute(text("SELECT to_jsonb(k)::text FROM api_key k")).scalars().all()
        trail = db.session.execute(text("SELECT to_jsonb(e)::text FROM audit_event e")).scalars().all()
    assert secret not in str(stored) + str(trail)


def test_the_second_click_makes_no_second_key(as_ada: Caller) -> None:
    body = {"name": "CI", "environment": "live"}

    assert as_ada.post("/v1/keys", body).status_code == 201
    assert code_of(as_ada.post("/v1/keys", body)) == (409, "key_name_taken")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x", "scopes": ["everything"]}, "scopes"),
        ({"name": "x", "owner": 1}, "body"),
        ({"name": "x", "environment": "live", "rate_limit": 101}, "rate_limit"),
        ({"name": "x", "environment": "live", "rate_limit": 0}, "rate_limit"),
        ({"name": "x", "environment": "live", "allowed_networks": ["nowhere"]}, "allowed_networks[0]"),
        ({"name": "x", "environment": "live", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
    ],
)
def test_bad_input_for_a_key_names_the_field(as_ada: Caller, body: Any, path: str) -> None:
    answer = as_ada.post("/v1/keys", body)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"].startswith(path)


def test_a_key_grants_no_scope_it_lacks(app: Flask, ada: Member) -> None:
    limited = another_key(app, ada, scopes=(Scope.KEYS_WRITE, Scope.CHECKS_WRITE))
    caller = Caller(app.test_client(), limited.secret)

    answer = caller.post("/v1/keys", {"name": "x", "environment": "live", "scopes": ["policies:write"]})

    assert code_of(answer) == (403, "scope_not_held")
    assert code_of(caller.post(f"/v1/keys/{ada.shown_key_id}/rotate")) == (403, "scope_not_held")


def test_a_test_key_manages_test_keys_only(app: Flask, ada: Member) -> None:
    tester = another_key(app, ada, environment=KeyEnvironment.TEST)
    caller = Caller(app.test_client(), tester.secret)

    assert code_of(caller.post("/v1/keys", {"name": "x", "environment": "live"})) == (403, "wrong_environment")
    assert code_of(caller.post(f"/v1/keys/{ada.shown_key_id}/revoke")) == (403, "wrong_environment")
    assert code_of(caller.get("/v1/decisions?environment=live")) == (403, "wrong_environment")
    assert [key["id"] for key in caller.get("/v1/keys").json["keys"]] == [tester.shown_key_id]


def test_a_stranger_cannot_see_that_a_key_exists(as_cleo: Caller, ada: Member) -> None:
    for act in ("rotate", "revoke"):
        assert code_of(as_cleo.post(f"/v1/keys/{ada.shown_key_id}/{act}")) == (404, "not_found")
    assert ada.shown_key_id not in as_cleo.get("/v1/keys").text


def test_a_rotated_key_and_its_successor_work_and_share_one_limit(app: Flask) -> None:
    old = organization_with_key(app, rate_limit=3)
    caller = Caller(app.test_client(), old.secret)

    rotated = caller.post(f"/v1/keys/{old.shown_key_id}/rotate", {"overlap_hours": 1})

    assert rotated.status_code == 201
    new = Caller(app.test_client(), rotated.json["secret"])
    assert [one.check().status_code for one in (caller, new, caller, new)] == [200, 200, 200, 429]
    assert rotated.json["key"]["scopes"] == sorted(ALL_SCOPES)
    listed = {key["id"]: key for key in new.get("/v1/keys").json["keys"]}
    assert listed[old.shown_key_id]["expires_at"] is not None
    assert listed[old.shown_key_id]["successor_id"] == rotated.json["key"]["id"]


def test_without_overlap_the_old_key_dies_at_once(app: Flask, ada: Member, as_ada: Caller) -> None:
    second = another_key(app, ada)

    as_ada.post(f"/v1/keys/{second.shown_key_id}/rotate", {"overlap_hours": 0})

    assert code_of(Caller(app.test_client(), second.secret).check()) == (401, "expired_api_key")


def test_an_overlap_never_prolongs_a_key(app: Flask, ada: Member, as_ada: Caller) -> None:
    dies_soon = another_key(app, ada, expires_at=utc_now() + timedelta(hours=1))

    as_ada.post(f"/v1/keys/{dies_soon.shown_key_id}/rotate", {"overlap_hours": 168})

    old = next(key for key in as_ada.get("/v1/keys").json["keys"] if key["id"] == dies_soon.shown_key_id)
    assert old["expires_at"] < (utc_now() + timedelta(hours=2)).isoformat()


def test_at_most_two_keys_of_a_line_are_in_use(as_ada: Caller) -> None:
    first = as_ada.post("/v1/keys", {"name": "Line", "environment": "live"}).json["key"]["id"]
    second = as_ada.post(f"/v1/keys/{first}/rotate").json["key"]["id"]

    assert code_of(as_ada.post(f"/v1/keys/{first}/rotate")) == (409, "key_already_rotated")
    assert code_of(as_ada.post(f"/v1/keys/{second}/rotate")) == (409, "rotation_unfinished")
    as_ada.post(f"/v1/keys/{first}/revoke")
    assert as_ada.post(f"/v1/keys/{second}/rotate").status_code == 201


@pytest.mark.parametrize("overlap", [-1, 169, "x"])
def test_an_overlap_is_0_to_168_hours(as_ada: Caller, ada: Member, overlap: Any) -> None:
    answer = as_ada.post(f"/v1/keys/{ada.shown_key_id}/rotate", {"overlap_hours": overlap})

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "overlap_hours")


def test_revoking_twice_is_harmless_and_a_revoked_key_cannot_be_rotated(
    app: Flask, ada: Member, as_ada: Caller
) -> None:
    spare = another_key(app, ada)

    first = as_ada.post(f"/v1/keys/{spare.shown_key_id}/revoke", {"reason": "leaked"})
    second = as_ada.post(f"/v1/keys/{spare.shown_key_id}/revoke")

    assert first.status_code == second.status_code == 200
    assert first.json["revoked_at"] == second.json["revoked_at"]
    assert code_of(as_ada.post(f"/v1/keys/{spare.shown_key_id}/rotate")) == (409, "key_not_in_use")


def test_keys_come_in_pages(app: Flask, ada: Member, as_ada: Caller) -> None:
    for _ in range(3):
        another_key(app, ada)

    first = as_ada.get("/v1/keys?limit=3").json
    rest = as_ada.get(f"/v1/keys?limit=3&cursor={first['next_cursor']}").json

    assert (len(first["keys"]), len(rest["keys"]), rest["next_cursor"]) == (3, 1, None)


@pytest.mark.parametrize("query", ["limit=1e1", "limit=null", "environment=null", "limit=2.0", "limit=%202"])
def test_a_bad_parameter_of_the_list_is_named(as_ada: Caller, query: str) -> None:
    answer = as_ada.get(f"/v1/keys?{query}")

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, query.partition("=")[0])


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=0", "Expected a whole number of at least 1."),
        ("limit=x", "Expected a whole number, in decimal digits."),
        ("cursor=x", "Send the next_cursor of the previous page unchanged, or omit the cursor."),
    ],
)
def test_a_bad_parameter_is_described_without_names_of_python(as_ada: Caller, query: str, detail: str) -> None:
    assert as_ada.get(f"/v1/keys?{query}").json["errors"][0]["detail"] == detail


def test_a_missing_field_is_named(as_ada: Caller) -> None:
    missing, empty = (as_ada.post("/v1/keys", body).json["errors"][0] for body in ({}, {"name": ""}))

    assert (missing["path"], missing["detail"]) == ("name", "This field is required.")
    assert (empty["path"], empty["detail"]) == ("name", "Expected a string with at least 1 character.")


def test_use_is_remembered_with_time_and_address(app: Flask, as_ada: Caller, room: Runtime) -> None:
    as_ada.check()

    room.uses.flush()

    key = as_ada.get("/v1/keys").json["keys"][0]
    assert key["last_used_address"] == "127.0.0.1"
    assert key["last_used_at"] is not None


def test_what_is_done_to_keys_is_on_the_audit_trail(app: Flask, ada: Member, as_ada: Caller) -> None:
    made = as_ada.post("/v1/keys", {"name": "CI", "environment": "live"})
    as_ada.post(f"/v1/keys/{made.json['key']['id']}/revoke")

    with app.app_context(), acting_as_system():
        rows = db.session.execute(
            text(
                "SELECT action, actor_id, address, request_id FROM audit_event WHERE actor_kind = 'api_key' ORDER BY id"
            )
        ).all()
    assert [row.action for row in rows] == ["api_key.created", "api_key.revoked"]
    assert {row.actor_id for row in rows} == {ada.key_id}
    assert rows[0].request_id == made.headers["X-Request-Id"]
    assert rows[0].address == "127.0.0.1"


def test_a_key_makes_none_that_may_do_more_than_itself(app: Flask, ada: Member) -> None:
    until = utc_now() + timedelta(days=9)
    narrow = another_key(app, ada, allowed_networks=("127.0.0.0/24",), expires_at=until, rate_limit=5)
    caller = Caller(app.test_client(), narrow.secret)

    inherited = caller.post("/v1/keys", {"name": "a", "environment": "live"}).json["key"]
    wider = [
        caller.post("/v1/keys", {"name": "b", "environment": "live", **wish})
        for wish in ({"allowed_networks": ["0.0.0.0/0"]}, {"expires_at": "2034-01-01T00:00:00Z"})
    ]

    assert (inherited["allowed_networks"], inherited["rate_limit"]) == (["127.0.0.0/24"], 5)
    assert inherited["expires_at"][:19] == until.isoformat()[:19]
    assert [code_of(answer) for answer in wider] == [(403, "broader_than_own")] * 2
    assert caller.post("/v1/keys", {"name": "b", "environment": "live", "rate_limit": 6}).status_code == 422


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ({"allowed_networks": ("127.0.0.0/24",)}, {}),
        ({"allowed_networks": ("127.0.0.0/24",)}, {"allowed_networks": ("127.0.0.0/8",)}),
        ({"allowed_networks": ("127.0.0.0/24",)}, {"allowed_networks": ("127.0.0.1", "::/0")}),
        ({"life": timedelta(hours=1)}, {}),
        ({"life": timedelta(hours=1)}, {"life": timedelta(hours=2)}),
        ({"rate_limit": 5}, {"rate_limit": None}),
        ({"rate_limit": 5}, {"rate_limit": 6}),
    ],
)
def test_a_key_rotates_none_that_may_do_more_than_itself(
    app: Flask, ada: Member, own: dict[str, Any], other: dict[str, Any]
) -> None:
    narrow, wide = another_key(app, ada, **options_of(own)), another_key(app, ada, **options_of(other))
    caller = Caller(app.test_client(), narrow.secret)

    answer = caller.post(f"/v1/keys/{wide.shown_key_id}/rotate", {"overlap_hours": 0})

    assert code_of(answer) == (403, "broader_than_own")
    assert "secret" not in answer.json
    assert Caller(app.test_client(), wide.secret).check().status_code == 200


def options_of(wish: dict[str, Any]) -> dict[str, Any]:
    """A life as the time at which it ends."""
    options = dict(wish)
    life = options.pop("life", None)
    return {**options, "expires_at": utc_now() + life} if life else options


def test_a_narrow_key_rotates_itself_and_what_is_no_wider(app: Flask, ada: Member) -> None:
    narrow = {"allowed_networks": ("127.0.0.0/24",), "expires_at": utc_now() + timedelta(hours=1), "rate_limit": 5}
    key, twin = another_key(app, ada, **narrow), another_key(app, ada, **{**narrow, "allowed_networks": ("127.0.0.1",)})
    caller = Caller(app.test_client(), key.secret)

    assert caller.post(f"/v1/keys/{twin.shown_key_id}/rotate").status_code == 201
    assert caller.post(f"/v1/keys/{key.shown_key_id}/rotate").status_code == 201


def test_what_waited_for_a_lock_sees_what_was_done_meanwhile(app: Flask, ada: Member) -> None:
    """The row was read before the lock; a revocation in between must be seen."""
    with app.app_context(), acting_as_system():
        lookup.find(ada.organization_id, ada.key_id)
        db.session.execute(text("UPDATE api_key SET revoked_at = now() WHERE id = :id"), {"id": ada.key_id})

        with pytest.raises(services.KeyNotInUse):
            services.rotate(ada.organization_id, ada.key_id, overlap=timedelta(0), by=SYSTEM, now=utc_now())


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "environment": "CANARY of many words"},
        {"name": "x", "CANARY": 1},
        {"name": "x", "scopes": ["CANARY"]},
        b'{"name": "a\\ud800"}',
        b'{"name": "a\\u0000"}',
        b'{"\\ud800": 1, "name": "b"}',
        {"name": "x", "environment": "live", "expires_at": "9999-12-31T23:59:59-23:59"},
    ],
)
def test_hostile_input_for_a_key_is_refused_without_repeating_it(as_ada: Caller, body: Any) -> None:
    answer = as_ada.post("/v1/keys", body)

    assert answer.status_code in {400, 422}
    assert "CANARY" not in answer.text


@pytest.mark.parametrize("network", ["203.0.113.0/24", "::ffff:203.0.113.0/120", "::ffff:203.0.113.7"])
@pytest.mark.parametrize("address", ["203.0.113.7", "::ffff:203.0.113.7", "::ffff:cb00:7107"])
def test_an_ipv4_caller_is_known_however_its_address_is_written(
    app: Flask, ada: Member, network: str, address: str
) -> None:
    key = another_key(app, ada, allowed_networks=(network,))
    caller = Caller(app.test_client(), key.secret)

    assert caller.post("/api/evaluate", environ_overrides={"REMOTE_ADDR": address}).status_code == 200
    assert caller.post("/api/evaluate", environ_overrides={"REMOTE_ADDR": "::ffff:198.51.100.7"}).status_code == 403
