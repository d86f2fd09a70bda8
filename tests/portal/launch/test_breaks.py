"""Each part of the world is broken by itself, and its items turn red, and no other."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from werkzeug import Response

from api.limits.window import Verdict
from api.runtime import runtime
from api.v1.health import _known_migrations
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import Kind
from portal.console.launch.checks import CHECKS
from portal.console.launch.items import BOARDS
from tests.core.production import GOOD
from tests.portal.launch import world
from tests.portal.launch.whole import World
from tests.portal.status_scene import open_incident
from tests.services import free_port

Break = Callable[[World, pytest.MonkeyPatch, ExitStack], Any]
CHECKS_AT = "portal.console.launch.checks"
SETTINGS_FAULT = "secrets_rotated"
OF_THE_LOAD = {"load_held", "load_p95", "load_errors", "load_passed", "latency_met"}
NO_STRIPE = {"stripe_set", "stripe_matches", "invoice_made", "payment_made", SETTINGS_FAULT}


def setting(**changes: Any) -> Break:
    return lambda here, _patch, _stack: msgspec.structs.replace(here.settings, **changes)


def nobody_at(name: str) -> Break:
    return lambda here, _patch, _stack: msgspec.structs.replace(
        here.settings, **{name: f"http://127.0.0.1:{free_port()}"}
    )


def patched(target: str, value: Any) -> Break:
    return lambda _here, patch, _stack: patch.setattr(target, value)


def failing(endpoint: str) -> Break:
    """A page of the running service fails."""
    return lambda here, patch, _stack: patch.setitem(
        here.app.view_functions, endpoint, lambda **_: Response(status=503)
    )


def sql(do: str, undo: str) -> Break:
    def break_it(here: World, _patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        stack.enter_context(_changed(here.settings.database_url or "", do, undo))

    return break_it


@contextmanager
def _changed(url: str, do: str, undo: str) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(do.encode())
        try:
            yield
        finally:
            connection.execute(undo.encode())


def evidence(kind: str, path: str, value: str) -> Break:
    """What was handed in says something else."""
    return sql(
        f"CREATE TABLE kept AS SELECT id, found FROM launch_evidence;"
        f"UPDATE launch_evidence SET found = jsonb_set(found, '{path}', '{value}') WHERE kind = '{kind}'",
        "UPDATE launch_evidence SET found = kept.found FROM kept WHERE kept.id = launch_evidence.id; DROP TABLE kept",
    )


def column(table: str, name: str, value: str, where: str = "true") -> Break:
    kept = f"ALTER TABLE {table} ADD COLUMN kept text; UPDATE {table} SET kept = {name}::text WHERE {where};"
    return sql(
        f"{kept} UPDATE {table} SET {name} = {value} WHERE {where}",
        f"UPDATE {table} SET {name} = kept::{_TYPES.get(name, 'text')} WHERE {where};"
        f"ALTER TABLE {table} DROP COLUMN kept",
    )


_TYPES = {"sent_at": "timestamptz", "started_at": "timestamptz"}


def rules_of_others(here: World, _patch: pytest.MonkeyPatch, stack: ExitStack) -> Any:
    """A Prometheus with rules that sound like ours."""
    names = [{"name": name, "health": "ok"} for name in ("SomeErrors", "SomeLatency", "SomeLimit")]
    port, ours = free_port(), here.settings.prometheus_url or ""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].endswith("/rules"):
            body: Any = {"data": {"groups": [{"rules": names}]}}
        else:
            body = world.forwarded(ours, environ)
        return Response(msgspec.json.encode(body), content_type="application/json")(environ, start_response)

    stack.enter_context(world.served(answer, port=port))
    return msgspec.structs.replace(here.settings, prometheus_url=f"http://127.0.0.1:{port}")


def dashboard_without_source(here: World, _patch: pytest.MonkeyPatch, stack: ExitStack) -> Any:
    port = free_port()
    grafana = world.SmallGrafana(f"http://127.0.0.1:{free_port()}")
    stack.enter_context(world.served(grafana, port=port))
    return msgspec.structs.replace(here.settings, grafana_url=f"http://127.0.0.1:{port}")


def alerts_get_lost(here: World, patch: pytest.MonkeyPatch, _stack: ExitStack) -> None:
    """Alertmanager takes them, and our webhook refuses what it brings."""
    patch.setattr(f"{CHECKS_AT}.monitoring.ARRIVES_WITHIN_S", 2.0)
    patch.setitem(here.app.view_functions, "alertmanager.receive", lambda: Response(status=401))


def limit_lets_all_pass(here: World, patch: pytest.MonkeyPatch, _stack: ExitStack) -> None:
    class Open:
        def hit(self, asks: Any) -> list[Verdict]:
            return [msgspec.structs.replace(verdict, granted=1) for verdict in room.shared_limiter.hit(asks)]  # type: ignore[union-attr]

    room = runtime(here.app)
    patch.setattr(room, "limiter", Open())


def no_redis(here: World, patch: pytest.MonkeyPatch, _stack: ExitStack) -> None:
    patch.setattr(runtime(here.app), "shared_limiter", None)


def status_file_gone(here: World, _patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    file = here.settings.status_path / "index.html"
    shutil.move(file, file.with_suffix(".away"))
    stack.callback(shutil.move, file.with_suffix(".away"), file)


def incident_open(here: World, _patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    incident_id = open_incident(here.app)
    stack.enter_context(
        _changed(
            here.settings.database_url or "",
            "SELECT 1",
            f"UPDATE incident SET status = 'resolved' WHERE id = '{incident_id}'",
        )
    )


def nothing_published(kind: Kind) -> Break:
    """Of one document there is no version in force."""

    def break_it(_here: World, patch: pytest.MonkeyPatch, _stack: ExitStack) -> None:
        current = documents.current
        patch.setattr(documents, "current", lambda asked, **when: None if asked is kind else current(asked, **when))

    return break_it


def behind_with_all(here: World, patch: pytest.MonkeyPatch, _stack: ExitStack) -> None:
    """A new major version, that nobody has accepted, is due."""
    patch.setattr(f"{CHECKS_AT}.promises.behind", lambda ids, **_: set(ids))


BREAKS: dict[str, tuple[Break, set[str]]] = {
    "no address of the database": (
        setting(database_url=None, database_web_url=None),
        {"database_set", SETTINGS_FAULT},
    ),
    "no address of redis": (setting(redis_url=None), {"redis_set", SETTINGS_FAULT}),
    "no tracker": (setting(sentry_dsn=None), {"sentry_set", "sentry_takes_errors", SETTINGS_FAULT}),
    "a weak secret": (setting(metrics_token="metrics"), {SETTINGS_FAULT}),
    "another installation behind the name": (
        setting(secret_key=GOOD["SECRET_KEY"][::-1]),
        {"domain_resolves"},
    ),
    "an origin that is refused": (setting(cors_origins="https://new.acme-pilot.eu"), {"cors_exact"}),
    "an origin over http": (setting(cors_origins="http://new.acme-pilot.eu"), {"cors_exact", SETTINGS_FAULT}),
    "cors for everybody": (
        patched("core.web.preflight_headers", lambda origin, **_: (("Access-Control-Allow-Origin", origin),)),
        {"cors_refuses"},
    ),
    "the API fails": (failing("health.live"), {"https_api"}),
    "the log-in fails": (failing("log_in.new"), {"https_portal", "portal_opens"}),
    "not ready": (failing("health.ready"), {"ready_quickly"}),
    "a certificate that ends too soon": (
        patched(f"{CHECKS_AT}.outside.VALID_FOR", world.LONGER_THAN_OURS),
        {"certificate_valid"},
    ),
    "a tracker that is away": (
        setting(sentry_dsn=f"https://9f0e1d2c3b4a5968@{world.HOST}:1/1"),
        {"sentry_takes_errors"},
    ),
    "prometheus is away": (nobody_at("prometheus_url"), {"metrics_collected", "alerts_loaded"}),
    "rules of others": (rules_of_others, {"alerts_loaded"}),
    "alertmanager is away": (nobody_at("alertmanager_url"), {"alerts_arrive"}),
    "alerts get lost": (alerts_get_lost, {"alerts_arrive"}),
    "a wrong token for grafana": (setting(grafana_token="glsa_wrong"), {"grafana_reachable", "dashboard_has_data"}),
    "a dashboard without its source": (dashboard_without_source, {"dashboard_has_data"}),
    "an old server": (patched(f"{CHECKS_AT}.data.OLDEST_SERVER", 999_999), {"database_answers"}),
    "a migration is missing": (
        sql(
            "UPDATE alembic_version SET version_num = '0001'",
            f"UPDATE alembic_version SET version_num = '{_known_migrations()[-1]}'",
        ),
        {"migrations_applied", "ready_quickly"},
    ),
    "the backup failed": (
        column("backup_run", "failure", "'The disk is full.'", "kind = 'by-hand'"),
        {"backups_made"},
    ),
    "a restore too long ago": (
        column("backup_run", "started_at", "started_at - interval '2 days'", "kind = 'verification'"),
        {"backups_made", "restore_verified"},
    ),
    "no policies": (
        sql(
            "CREATE TABLE kept AS SELECT * FROM policy_version; DELETE FROM policy_version",
            "INSERT INTO policy_version SELECT * FROM kept; DROP TABLE kept",
        ),
        {"policies_seeded"},
    ),
    "no live key": (column("api_key", "environment", "'test'"), {"live_key_made"}),
    "nobody on call in three weeks": (
        sql(
            "CREATE TABLE kept AS SELECT * FROM on_call_week;DELETE FROM on_call_week WHERE monday > current_date + 14",
            "INSERT INTO on_call_week SELECT * FROM kept ON CONFLICT DO NOTHING; DROP TABLE kept",
        ),
        {"on_call_set"},
    ),
    "nobody on call": (
        sql(
            "CREATE TABLE kept AS SELECT * FROM on_call_week; DELETE FROM on_call_week",
            "INSERT INTO on_call_week SELECT * FROM kept; DROP TABLE kept",
        ),
        {"on_call_set", "on_call_next_week"},
    ),
    "an operator without a second factor": (
        sql(
            "CREATE TABLE kept AS SELECT * FROM totp_secret; DELETE FROM totp_secret",
            "INSERT INTO totp_secret SELECT * FROM kept; DROP TABLE kept",
        ),
        {"operators_guarded"},
    ),
    "no agreement": (nothing_published(Kind.DPA), {"dpa_reviewed"}),
    "no terms": (nothing_published(Kind.TERMS), {"terms_reviewed"}),
    "no privacy policy": (nothing_published(Kind.PRIVACY), {"privacy_states_retention"}),
    "terms that nobody accepted": (behind_with_all, {"customers_accepted"}),
    "redis is gone": (no_redis, {"redis_answers"}),
    "a limit that lets all pass": (limit_lets_all_pass, {"limit_exact"}),
    "the welcome never left": (
        column("mail_message", "sent_at", "NULL", "template = 'application_approved'"),
        {"portal_link_sent"},
    ),
    "no second contact": (
        column("organization_profile", "second_contact_email", "NULL"),
        {"contacts_confirmed"},
    ),
    "no address for support": (setting(support_email=None), {"support_address_given", SETTINGS_FAULT}),
    "no number to call": (setting(on_call_phone=None), {"on_call_number_given"}),
    "too few templates": (patched(f"{CHECKS_AT}.operations.TEMPLATES_NEEDED", 999), {"reply_templates"}),
    "the files of the status page are gone": (status_file_gone, {"status_page_live"}),
    "an incident is open": (incident_open, {"status_page_green"}),
    "no chapters": (patched(f"{CHECKS_AT}.operations.FOLDER", Path("/nowhere")), {"handbook_present"}),
    "no key of stripe": (setting(stripe_api_key=None), NO_STRIPE),
    "an unpaid invoice": (column("invoice", "status", "'open'"), {"payment_made"}),
    "a page of plans is gone": (patched(f"{CHECKS_AT}.money.PAGES", ("/nowhere",)), {"plan_pages"}),
    "a load too slow": (
        evidence("load", "{stages,0,p95_ms}", "500"),
        {"load_p95", "load_passed", "latency_met"},
    ),
    "a load too slow in the middle": (evidence("load", "{stages,0,p50_ms}", "200"), {"latency_met"}),
    "a load too short": (evidence("load", "{stages,0,seconds}", "30"), OF_THE_LOAD),
    "a load with errors": (
        evidence("load", "{stages,0,errors}", '{"timeout": 9000}'),
        {"load_errors", "load_passed"},
    ),
    "a hole": (evidence("audit", "{holes}", '["flask"]'), {"dependencies_audited"}),
    "a filter that gives way": (evidence("attack", "{failures}", '["GET /decisions"]'), {"filters_hold"}),
    "a page that gives way": (evidence("attack", "{markup}", '["GET /decisions"]'), {"pages_hold"}),
}


@pytest.mark.parametrize("name", list(BREAKS))
def test_what_is_broken_is_red_and_nothing_else(
    here: World,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Where nothing is said of time, a machine that is busy has enough of it."""
    break_it, expected = BREAKS[name]
    monkeypatch.setattr("api.readiness.BELIEVED_FOR_S", 0.0)
    monkeypatch.setattr("api.readiness.ANSWERED_WITHIN_S", 20.0)
    monkeypatch.setattr("portal.console.launch.checks.outside.READY_WITHIN_S", 20.0)

    with ExitStack() as stack:
        settings = break_it(here, monkeypatch, stack)
        assert set(here.red(settings)) == expected


BROKEN_ELSEWHERE = {"stripe_matches", "invoice_made", "vendored_unchanged"}
"""Of the boards, by tests of their own; with no key of Stripe they are red together."""


def test_every_item_of_the_boards_is_broken_by_some_break() -> None:
    broken = set().union(*(expected for _, expected in BREAKS.values()))
    on_boards = {item.check for items in BOARDS.values() for item in items if item.check}

    assert on_boards - broken <= BROKEN_ELSEWHERE
    assert broken <= set(CHECKS)
