"""The login of the web server. It owns nothing, and may act as the two roles that pages and the API need.

Whoever makes it is the login that owns the tables. That one migrates, makes backups and runs the worker, and is known
to no process that answers requests: what is smuggled into a statement there can change no rule and read no file.
"""

from typing import LiteralString

import psycopg
from flask import Flask
from psycopg import sql

from core.database_address import parts_of
from core.db import DatabaseRole

EMBEDDED_WEB_LOGIN = "aig_web"
MAY_ACT_AS = (DatabaseRole.APP, DatabaseRole.SYSTEM)

_MAY_BE: LiteralString = "SELECT rolname FROM pg_roles WHERE pg_has_role(%s, oid, 'MEMBER') ORDER BY rolname"
_POWERS: LiteralString = """
    SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolinherit
    FROM pg_roles WHERE rolname = %s
"""
_OWNS: LiteralString = """
    SELECT count(*) FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass AND refobjid = %s::regrole AND deptype = 'o'
"""


class LoginTrouble(Exception):
    """The login was not made; the message says why and what to do."""


def ensure_logins(app: Flask) -> str | None:
    """Makes the web server's login, if it has one of its own: its name. Raises LoginTrouble."""
    owner_url, web_url = app.config["DATABASE_URL"], app.config["DATABASE_WEB_URL"]
    return ensure_web_login(owner_url=owner_url, web_url=web_url) if web_url != owner_url else None


def ensure_web_login(*, owner_url: str, web_url: str) -> str:
    """Makes the login that `web_url` names, or gives it the password there; its name. Raises LoginTrouble.

    Harmless to repeat. Needs the roles, which come with the first migration.
    """
    wanted = parts_of(web_url)
    name, password = wanted.get("user", ""), wanted.get("password", "")
    if not name:
        raise LoginTrouble("DATABASE_WEB_URL names no user. It looks like postgresql://user:password@host/database.")
    with psycopg.connect(owner_url) as connection:
        if name == connection.info.user:
            raise LoginTrouble("DATABASE_WEB_URL names the login that owns the tables. Give it one of its own.")
        try:
            _make(connection, name, password)
        except psycopg.errors.UndefinedObject as error:
            raise LoginTrouble("The database is not migrated yet. Run `flask db upgrade` first.") from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise LoginTrouble(
                f"The login of DATABASE_URL cannot create {name} or give it its roles. Give it CREATEROLE, and "
                f"{', '.join(DatabaseRole)} WITH ADMIN OPTION."
            ) from error
        _refuse_powers(connection, name)
    return name


def _make(connection: psycopg.Connection, name: str, password: str) -> None:
    login, database = sql.Identifier(name), sql.Identifier(connection.info.dbname)
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOINHERIT NOCREATEDB NOCREATEROLE").format(login))
    connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(login))
    if password:
        _set_password(connection, name, password)
    roles = sql.SQL(", ").join(sql.Identifier(role) for role in MAY_ACT_AS)
    connection.execute(sql.SQL("GRANT {} TO {}").format(roles, login))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, login))
    connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _set_password(connection: psycopg.Connection, name: str, password: str) -> None:
    """As a hash, so that no log of statements has it; Neon takes none and has to be told the password itself."""
    hashed = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
    try:
        with connection.transaction():
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(hashed)))
    except psycopg.Error as error:
        if "plaintext" not in str(error):
            raise
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


def _refuse_powers(connection: psycopg.Connection, name: str) -> None:
    """A login that was there before may have been given more."""
    may_be = {role for (role,) in connection.execute(_MAY_BE, [name]).fetchall()}
    surplus = sorted(may_be - {name, *MAY_ACT_AS})
    if surplus:
        raise LoginTrouble(f"The login {name} may act as {surplus[0]} too. Name a new login in DATABASE_WEB_URL.")
    if connection.execute(_POWERS, [name]).fetchone() != (False,):
        raise LoginTrouble(f"The login {name} has attributes beyond LOGIN. Name a new login in DATABASE_WEB_URL.")
    if connection.execute(_OWNS, [sql.Identifier(name).as_string(connection)]).fetchone() != (0,):
        raise LoginTrouble(f"The login {name} owns something. Name a new login in DATABASE_WEB_URL.")
