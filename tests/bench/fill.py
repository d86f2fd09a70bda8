"""Makes the base that pages are measured on: `python -m tests.bench.fill --help`. It stays until the next filling."""

from collections.abc import Callable
from typing import TypeVar

from api.decisions import jobs as decision_jobs
from api.usage import jobs as usage_jobs
from core.clock import monotonic_s, utc_now
from core.settings import Settings
from local.demo.documents import publish_trial_versions
from tests.bench.base.database import opened
from tests.bench.base.decisions import add_decisions
from tests.bench.base.records import add_audit_events, count_requests
from tests.bench.base.sizes import read_sizes
from tests.bench.base.tenants import add_keys, add_members, add_organizations

Result = TypeVar("Result")


def main() -> None:
    with opened(is_new=True) as (database, app):
        sizes, now = read_sizes(), utc_now()
        with app.app_context():
            publish_trial_versions(Settings())
        made = _timed("organizations", lambda: add_organizations(app, sizes, now=now))
        members = _timed("members", lambda: add_members(app, made[0], sizes.members, now=now))
        keys = _timed("keys", lambda: add_keys(app, made, members, sizes, now=now))
        _timed("audit", lambda: add_audit_events(database, made, members, sizes.audit_events, now=now))
        _timed("decisions", lambda: add_decisions(database, made, keys, sizes, now=now))
        _timed("requests", lambda: count_requests(database))
        with app.app_context():
            _timed("hours", lambda: decision_jobs.count_decision_hours(timestamp=0))
            _timed("days", lambda: usage_jobs.count_request_days(timestamp=0))
            _timed("usage", lambda: usage_jobs.seal_hours(timestamp=0))
        _timed("vacuum", lambda: database.run("VACUUM (ANALYZE)"))
        database.run("CHECKPOINT")
        size = database.row("SELECT pg_size_pretty(pg_database_size(current_database()))")[0]
        print(f"{sizes}\n{size}")


def _timed(what: str, work: Callable[[], Result]) -> Result:
    began_s = monotonic_s()
    result = work()
    print(f"{what}: {monotonic_s() - began_s:.0f} s", flush=True)
    return result


if __name__ == "__main__":
    main()
