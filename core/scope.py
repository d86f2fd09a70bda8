"""On whose behalf: what may only be done for the whole system says so, and is refused in any other scope.

Row-level security would answer with no rows, which looks like "there are none".
A forgotten scope is an error instead.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from core.db import DatabaseRole, scope

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
