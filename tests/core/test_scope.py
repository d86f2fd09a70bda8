"""A forgotten scope is an error with a clear text, never an empty result."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, event, select, text

from core.accounts import Organization
from core.db import Base, acting_as_system, acting_for, db, driver_connection
from core.scope import NEED_IT, ScopeMissing, is_guarded
from tests.cast import Member, organization_with_key

MAPPERS = sorted(
    (mapper for mapper in Base.registry.mappers if is_guarded(mapper.local_table)), key=lambda one: one.class_.__name__
)


@pytest.mark.parametrize("function", NEED_IT, ids=lambda one: f"{one.__module__}.{one.__qualname__}")
def test_what_needs_the_systems_scope_is_refused_in_any_other(
    app: Flask, ada: Member, function: Callable[..., object]
) -> None:
    nothing = {
        name: None
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    with app.app_context(), acting_for(ada.organization_id), pytest.raises(ScopeMissing, match="acting_as_system"):
        function(**nothing)


@pytest.mark.parametrize("mapper", MAPPERS, ids=lambda one: one.class_.__name__)
def test_rows_of_organizations_are_not_looked_for_in_no_scope(app: Flask, mapper: object) -> None:
    with app.app_context(), pytest.raises(ScopeMissing, match="acting_for"):
        db.session.execute(select(mapper))  # type: ignore[call-overload]


def test_in_a_scope_they_are_found(app: Flask, ada: Member) -> None:
    with app.app_context():
        with acting_for(ada.organization_id):
            assert db.session.get(Organization, ada.organization_id) is not None
        with acting_as_system():
            assert db.session.get(Organization, ada.organization_id) is not None


def test_a_savepoint_that_fails_takes_no_scope_along(app: Flask, ada: Member, cleo: Member) -> None:
    with app.app_context(), acting_for(ada.organization_id):
        with suppress(Undone), db.session.begin_nested(), acting_for(cleo.organization_id):
            assert seen() == {cleo.organization_id}
            raise Undone
        assert seen() == {ada.organization_id}

        db.session.rollback()
        assert seen() == {ada.organization_id}


def test_the_driver_acts_in_the_scope_of_now(app: Flask, ada: Member, cleo: Member) -> None:
    with app.app_context():
        for member in (ada, cleo):
            with acting_for(member.organization_id):
                assert driver_connection().execute("SELECT id FROM organization").fetchall() == [
                    (member.organization_id,)
                ]


def test_a_scope_is_told_once_and_by_the_statement_that_needs_it(app: Flask, ada: Member) -> None:
    with app.app_context(), statements() as sent, acting_as_system():
        with acting_for(ada.organization_id), acting_for(ada.organization_id):
            seen()
            seen()
        assert len([one for one in sent if "set_config" in one]) == 1
        seen()
        assert len([one for one in sent if "set_config" in one]) == 2


def test_a_connection_of_the_pool_remembers_no_scope(live_app: Flask, live_url: str) -> None:
    member = organization_with_key(live_app, slug="ada-and-co")
    with live_app.app_context(), acting_for(member.organization_id):
        seen()
        db.session.rollback()
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT current_setting('role')")) == "none"
        assert seen() == {member.organization_id}


class Undone(Exception):
    pass


def seen() -> set[UUID]:
    return set(db.session.scalars(text("SELECT id FROM organization")))


@contextmanager
def statements() -> Iterator[list[str]]:
    sent: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", keep)
    yield sent
    event.remove(Engine, "before_cursor_execute", keep)


def test_what_is_guarded_here_is_what_the_database_guards(app: Flask) -> None:
    secured = text("SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relispartition")
    with app.app_context(), acting_as_system():
        in_database = set(db.session.scalars(secured))

    assert {str(mapper.local_table) for mapper in MAPPERS} == in_database
