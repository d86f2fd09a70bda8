"""Running the checks, each by itself: one that fails to look is red, and holds up no other."""

import structlog

from core.db import db
from portal.console.launch.checks import CHECKS
from portal.console.launch.items import every_check
from portal.console.launch.verdicts import CheckContext, Verdict, red

log = structlog.get_logger()


def run_checks(around: CheckContext) -> dict[str, Verdict]:
    """Every check that an item needs. In the system's scope; nothing is written."""
    return {code: run_check(code, around) for code in every_check()}


def run_check(code: str, around: CheckContext) -> Verdict:
    try:
        return CHECKS[code](around)
    except Exception as error:
        log.warning("launch.not_looked_at", check=code, exc_info=error)
        return red(
            f"The check failed to run: {type(error).__name__}.",
            to_do="See the error in the service log, then run the checks again.",
        )
    finally:
        db.session.rollback()
