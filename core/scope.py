"""On whose behalf: what may only be done for the whole system says so, and is refused in any other scope.

Row-level security would answer with no rows, which looks like "there are none".
A forgotten scope is an error instead.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import Table, event
from sqlalchemy.orm import ORMExecuteState

from core.db import DatabaseRole, TenantScope, db, scope

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

NEED_IT: list[Callable[..., object]] = []
"""Every function that was declared so, in the order of their modules."""


class ScopeMissing(RuntimeError):
    """A mistake in the program, never of a caller."""


def needs_system_scope(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Raises ScopeMissing where it is called outside `acting_as_system()`."""

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if scope().role is DatabaseRole.APP:
            name = f"{function.__module__}.{function.__qualname__}"
            raise ScopeMissing(f"{name} needs the system's scope: call it within acting_as_system().")
        return function(*args, **kwargs)

    NEED_IT.append(run)
    return run


_NOBODYS = TenantScope()
_GUARDED_TOO = frozenset({"organization", "app_user"})
_UNGUARDED = frozenset({"user_session", "stripe_event", "drift"})


def is_guarded(table: object) -> bool:
    """Whether row-level security shows its rows to none but their organization, or the system."""
    if not isinstance(table, Table):
        return False
    return table.name in _GUARDED_TOO or ("organization_id" in table.c and table.name not in _UNGUARDED)


@event.listens_for(db.session, "do_orm_execute")
def _refuse_in_no_scope(state: ORMExecuteState) -> None:
    if scope() != _NOBODYS:
        return
    guarded = [str(mapper.local_table) for mapper in state.all_mappers if is_guarded(mapper.local_table)]
    if guarded:
        raise ScopeMissing(
            f"{', '.join(guarded)}: nobody's rows would be found. Enter acting_for() or acting_as_system()."
        )
