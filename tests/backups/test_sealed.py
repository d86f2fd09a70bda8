"""What was cut, changed or sealed with another key is refused before anything is touched, and says so."""

import stat
import subprocess
from pathlib import Path

import msgspec
import pytest

from backups import encryption, making, replacing
from backups.backup_repository import DUMP, MANIFEST, BackupRepository
from backups.encryption import Damaged, Keys, WrongKey, keys_of, new_key
from backups.errors import BackupTrouble
from backups.names import BackupName
from backups.place import Place
from backups.programs import programs_for
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.settings import Settings
from tests.backups.scene import back_up, count, destroy


def file_of(place: Place, name: BackupName, part: str = DUMP) -> Path:
    return place.settings.data_path / "backups" / f"{name}{part}"


def with_keys(place: Place, keys: Keys) -> Place:
    repository = BackupRepository(place.repository.store, keys, place.settings.data_path / "backup-work")
    return msgspec.structs.replace(place, repository=repository)


def tables_after_restore(place: Place, name: BackupName, expected: type[BackupTrouble]) -> int:
    destroy(place)
    with pytest.raises(expected):
        replacing.restore(place, name, replace=False, by=COMMAND_LINE, now=utc_now())
    return count(place, "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'jobs')")


def test_what_leaves_the_machine_is_sealed(place: Place) -> None:
    name = back_up(place)

    for part in (DUMP, MANIFEST):
        sealed = file_of(place, name, part).read_bytes()
        assert sealed.startswith(b"age-encryption.org/v1\n")
        assert b"PGDMP" not in sealed
        assert b"organization" not in sealed


@pytest.mark.parametrize("part", [DUMP, MANIFEST])
def test_a_file_that_was_cut_short_is_refused(place: Place, part: str) -> None:
    name = back_up(place)
    file = file_of(place, name, part)
    file.write_bytes(file.read_bytes()[:-100])

    assert tables_after_restore(place, name, Damaged) == 0


@pytest.mark.parametrize("part", [DUMP, MANIFEST])
def test_a_file_that_was_changed_is_refused(place: Place, part: str) -> None:
    name = back_up(place)
    file = file_of(place, name, part)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    assert tables_after_restore(place, name, Damaged) == 0


def test_a_dump_in_the_place_of_another_is_refused(place: Place) -> None:
    first, second = back_up(place), back_up(place)
    file_of(place, first).write_bytes(file_of(place, second).read_bytes())

    assert tables_after_restore(place, first, Damaged) == 0


def test_another_key_opens_nothing(place: Place) -> None:
    name = back_up(place)
    stranger = with_keys(place, Keys(encryption._identity(new_key(), "BACKUP_KEY")))

    assert tables_after_restore(stranger, name, WrongKey) == 0


def test_after_a_change_of_keys_the_previous_one_still_opens(place: Place) -> None:
    name = back_up(place)
    rolled = with_keys(place, Keys(encryption._identity(new_key(), "BACKUP_KEY"), (place.repository.keys.current,)))

    tried = making.verify(rolled, name, by=COMMAND_LINE, now=utc_now())

    assert tried.name == name


def test_the_key_of_development_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))

    first, second = keys_of(settings), keys_of(settings)

    assert str(first.current) == str(second.current)
    assert stat.S_IMODE((tmp_path / "backup.key").stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "backup.key"]


def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), backup_key="AGE-SECRET-KEY-1NOTHING")

    with pytest.raises(BackupTrouble, match="BACKUP_KEY is not an age key"):
        keys_of(settings)


def test_pg_restore_alone_reads_what_comes_out(place: Place) -> None:
    """So a backup can be opened without this software: `age --decrypt`, then `pg_restore`."""
    name = back_up(place)
    plain = place.settings.data_path / "plain.dump"

    with file_of(place, name).open("rb") as sealed, plain.open("wb") as file:
        encryption.decrypt(sealed, file, place.repository.keys, what="dump")

    listed = subprocess.run(
        [programs_for(place.database_url, setting=None).folder / "pg_restore", "--list", plain],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "TABLE DATA public organization" in listed.stdout
