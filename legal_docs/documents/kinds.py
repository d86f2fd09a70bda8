"""Which documents there are, and how their versions are numbered. Knows no database."""

import re
from enum import StrEnum
from http import HTTPStatus

from core.errors import AppError


class Kind(StrEnum):
    TERMS = "terms"
    DPA = "dpa"
    PRIVACY = "privacy"
    SUB_PROCESSORS = "sub_processors"


TITLES = {
    Kind.TERMS: "Terms of Service",
    Kind.DPA: "Data Processing Agreement",
    Kind.PRIVACY: "Privacy policy",
    Kind.SUB_PROCESSORS: "Sub-processors",
}

ACCEPTED_KINDS = (Kind.TERMS, Kind.DPA)
"""A live key needs these; the others are told, not agreed on."""

_NUMBER = re.compile(r"([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})", re.ASCII)


class NumberNotValid(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "number_not_valid", "This is not a version number"
    advice = "Write two numbers separated by a point, such as 1.0 or 2.3."


def parse_number(number: str) -> tuple[int, int]:
    """Raises NumberNotValid. A major version raises the first part, a minor one the second."""
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise NumberNotValid
    return int(found[1]), int(found[2])
