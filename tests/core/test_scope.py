"""A forgotten scope is an error with a clear text, never an empty result."""

import inspect
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, text

from core.accounts import Organization
from core.db import Base, acting_as_system, acting_for, db
from core.scope import NEED_IT, ScopeMissing, is_guarded
from tests.cast import Member

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


def test_what_is_guarded_here_is_what_the_database_guards(app: Flask) -> None:
    secured = text("SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relispartition")
    with app.app_context(), acting_as_system():
        in_database = set(db.session.scalars(secured))

    assert {str(mapper.local_table) for mapper in MAPPERS} == in_database
