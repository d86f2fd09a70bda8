"""Settings and secrets, and the people who hold the keys of the house."""

from sqlalchemy import select

from core.db import db
from core.members import User
from core.rotations import services as rotations
from core.settings_rules import faults_of
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red
from portal.customer.people import second_factor


def _is_set(name: str) -> CheckFunction:
    def look(around: CheckContext) -> Verdict:
        value = getattr(around.settings, name.lower())
        return either(bool(value), f"{name} is set.", otherwise=f"{name} is not set.", to_do=f"Set {name}.")

    return look


def database_set(around: CheckContext) -> Verdict:
    """Of the two logins, web processes know but their own."""
    return either(
        bool(around.settings.database_url or around.settings.database_web_url),
        "The database address is set.",
        otherwise="DATABASE_URL is not set.",
        to_do="Set DATABASE_URL and DATABASE_WEB_URL.",
    )


def secrets_rotated(around: CheckContext) -> Verdict:
    """No setting is what it is in development, and no secret is older than a month."""
    faults = faults_of(around.settings, as_production=True)
    if faults:
        named = ", ".join(sorted({fault.setting for fault in faults}))
        return red(f"Not valid for production: {named}.", to_do="Run flask preflight: it says how to fix each.")
    overdue = [one.name for one in rotations.rotations(now=around.now) if one.is_overdue]
    if overdue:
        return red(
            f"Due for rotation: {', '.join(overdue)}.",
            to_do="Rotate them, as described in docs/operators/deployment.md.",
        )
    return green("Every setting is valid for production, and every secret was rotated within the last month.")


def operators_guarded(_around: CheckContext) -> Verdict:
    query = select(User).where(User.is_operator, User.disabled_at.is_(None))
    operators = list(db.session.scalars(query))
    bare = [one.name for one in operators if not second_factor.guards_of(one.id).is_guarded]
    if not operators:
        return red("There are no operators.", to_do="Create one: flask operators create.")
    if bare:
        return red(f"Without a second factor: {', '.join(bare)}.", to_do="Ask them to log in and set one up.")
    return green(f"Operator accounts: {len(operators)}, each personal and with a second factor.")


CHECKS: dict[str, CheckFunction] = {
    "database_set": database_set,
    "redis_set": _is_set("REDIS_URL"),
    "sentry_set": _is_set("SENTRY_DSN"),
    "secrets_rotated": secrets_rotated,
    "operators_guarded": operators_guarded,
}
