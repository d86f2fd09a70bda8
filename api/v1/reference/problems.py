"""Every problem that the API may answer with, and where."""

from functools import cache

from api.v1.endpoint import Endpoint, declared_endpoints
from api.v1.reference.openapi import refusals_of
from core.errors import AppError, MethodNotAllowed


@cache
def problems_of_the_api() -> tuple[type[AppError], ...]:
    """By code. Pages have refusals of their own. Every path refuses a method that it has not."""
    found = {MethodNotAllowed.code: MethodNotAllowed} | {
        refusal.code: refusal for endpoint in declared_endpoints() for refusal in refusals_of(endpoint)
    }
    return tuple(found[code] for code in sorted(found))


def endpoints_that_answer(problem: type[AppError]) -> list[Endpoint]:
    return [endpoint for endpoint in declared_endpoints() if problem in refusals_of(endpoint)]
