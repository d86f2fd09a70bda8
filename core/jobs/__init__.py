"""Jobs: work that is committed with the row that caused it, or that the clock starts. Kept in PostgreSQL.

Rooms declare theirs with `@jobs.task` and `@jobs.periodic`, whose times are in UTC, and leave them with `defer`; one
worker (`flask worker`) carries them out. What must not wait for the rest names a `Queue` with places of its own.
"""

from core.jobs.queue import (
    KEEP_FINISHED_HOURS,
    MOST_LOSSES,
    SCHEMA,
    Queue,
    defer,
    defer_at,
    failed_by_task,
    forget_finished_jobs,
    in_its_own_session,
    isolate_errors,
    jobs,
    take_up_again,
)
from core.jobs.worker import MOST_SESSIONS, run_worker

__all__ = [
    "KEEP_FINISHED_HOURS",
    "MOST_LOSSES",
    "MOST_SESSIONS",
    "SCHEMA",
    "Queue",
    "defer",
    "defer_at",
    "failed_by_task",
    "forget_finished_jobs",
    "in_its_own_session",
    "isolate_errors",
    "jobs",
    "run_worker",
    "take_up_again",
]
