"""`flask backup`: what it prints, and what it says when something is wrong."""

from flask import Flask

from backups.encryption import new_key
from backups.names import KEPT_FOR
from backups.place import Place
from core.environment import read_settings
from tests.backups.scene import count, destroy, run
from tests.cast import organization_with_key


def test_make_list_verify_destroy_restore(home: Flask, place: Place) -> None:
    organization_with_key(home)

    code, name, _ = run(home, "backup", "create")
    name = name.strip()
    listed = run(home, "backup", "list")[1]
    tried = run(home, "backup", "verify")[1]
    destroy(place)
    restored, out, err = run(home, "backup", "restore", typed="y\n")

    assert (code, restored, err) == (0, 0, "")
    kept_until = place.repository.find(name).taken_at + KEPT_FOR
    assert listed.startswith(name)
    assert f"kept until {kept_until:%Y-%m-%d}" in listed
    assert tried.startswith(f"{name}: ")
    assert "verified in" in tried
    assert f"Restored {name} in" in out
    assert count(place, "SELECT count(*) FROM organization") == 1


def test_a_restore_asks_and_takes_no_for_an_answer(home: Flask, place: Place) -> None:
    run(home, "backup", "create")
    destroy(place)

    code, _, _ = run(home, "backup", "restore", typed="n\n")

    assert code == 1
    assert count(place, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_a_database_that_is_not_empty_is_refused(home: Flask, place: Place) -> None:
    run(home, "backup", "create")

    code, _, err = run(home, "backup", "restore", "--yes")

    assert code == 1
    assert "--replace" in err


def test_a_database_is_replaced_when_told_so(home: Flask, place: Place) -> None:
    run(home, "backup", "create")
    organization_with_key(home)

    code, out, err = run(home, "backup", "restore", "--yes", "--replace")

    assert (code, err) == (0, "")
    assert "The previous data is backed up as" in out
    assert count(place, "SELECT count(*) FROM organization") == 0


def test_without_a_backup_each_command_says_so(home: Flask, place: Place) -> None:
    assert run(home, "backup", "list")[2].strip() == "No backups yet."
    for words in (("verify",), ("restore", "--yes")):
        code, _, err = run(home, "backup", *words)
        assert (code, err.strip()) == (1, "Error: No backups yet. Create one with `flask backup create`.")


def test_an_unknown_name_is_said_plainly(home: Flask, place: Place) -> None:
    code, _, err = run(home, "backup", "verify", "last-tuesday")

    assert code == 1
    assert "no backup called last-tuesday" in err


def test_a_key_that_is_printed_is_one_that_the_settings_take(home: Flask) -> None:
    code, out, err = run(home, "backup", "key")

    assert (code, err) == (0, "")
    assert read_settings({"BACKUP_KEY": out.strip()}).backup_key == out.strip()
    assert out.strip() != new_key()
