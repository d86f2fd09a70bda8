"""A folder and a bucket keep backups alike; what goes wrong is said in our words."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from backups import making, stores
from backups.backup_repository import BackupRepository
from backups.errors import BackupTrouble
from backups.place import Place
from backups.stores import NotInStore, Store, open_store
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.settings import Settings
from tests.backups.s3 import SmallS3, served
from tests.backups.scene import back_up


@pytest.fixture
def s3() -> Iterator[SmallS3]:
    with served(SmallS3("backups", "AKIATEST")) as double:
        yield double


def in_bucket(s3: SmallS3, **changes: str) -> Settings:
    given = {
        "backup_url": "s3://backups/eu/production",
        "backup_s3_endpoint": s3.url,
        "backup_s3_region": "eu-central-1",
        "backup_s3_access_key_id": "AKIATEST",
        "backup_s3_secret_access_key": "a-secret",
    }
    return Settings(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, s3: SmallS3, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(Settings(backup_url=f"file://{tmp_path}/a%20folder"))
    return open_store(in_bucket(s3))


def test_what_is_put_comes_back(store: Store, tmp_path: Path) -> None:
    store.put("one", b"first")
    store.put("erasures/two", b"second")

    assert store.read("one") == b"first"
    assert {found.name: found.size_bytes for found in store.stored()} == {"one": 5, "erasures/two": 6}
    assert [found.name for found in store.stored("erasures")] == ["erasures/two"]
    assert store.fetch("one", tmp_path / "here") == "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"
    assert (tmp_path / "here").read_bytes() == b"first"


def test_a_long_file_goes_in_parts_and_comes_back_whole(store: Store, tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(os.urandom(20_000_000))

    store.put("long", tmp_path / "long")
    store.fetch("long", tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == (tmp_path / "long").read_bytes()


def test_what_is_gone_already_may_be_deleted_again(store: Store) -> None:
    store.put("one", b"first")

    store.delete(["one"])
    store.delete(["one"])

    assert store.stored() == []


def test_what_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(NotInStore, match="nightly"):
        store.read("nightly")


def test_a_backup_goes_to_a_bucket_and_is_proven_from_there(place: Place, s3: SmallS3) -> None:
    repository = BackupRepository(
        open_store(in_bucket(s3)), place.repository.keys, place.settings.data_path / "backup-work"
    )
    remote = msgspec.structs.replace(place, repository=repository)

    name = back_up(remote)

    assert [one.name for one in repository.stored()] == [name]
    assert all(key.startswith(f"eu/production/{name}") for key in s3.objects)
    assert all(body.startswith(b"age-encryption.org/v1\n") for body in s3.objects.values())
    assert making.verify(remote, name, by=COMMAND_LINE, now=utc_now()).rows > 0


def test_a_bucket_that_refuses_us_is_told_in_our_words(s3: SmallS3) -> None:
    store = open_store(in_bucket(s3, backup_s3_access_key_id="AKIAOTHER"))

    with pytest.raises(BackupTrouble, match="BACKUP_S3_ACCESS_KEY_ID") as caught:
        store.put("one", b"first")

    assert "AKIA" not in str(caught.value)


def test_a_store_that_does_not_answer_is_told_in_our_words(s3: SmallS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "_RETRIES", {"max_retries": 0})
    store = open_store(in_bucket(s3, backup_s3_endpoint="http://127.0.0.1:9"))

    with pytest.raises(BackupTrouble, match="Check that it can be reached"):
        store.read("one")


def test_a_bucket_that_does_not_exist_is_told_in_our_words(s3: SmallS3) -> None:
    with pytest.raises(BackupTrouble, match="bucket in BACKUP_URL does not exist"):
        open_store(in_bucket(s3, backup_url="s3://elsewhere")).put("one", b"first")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(BackupTrouble, match="BACKUP_URL"):
        open_store(Settings(backup_url=f"file://{tmp_path}/file/backups"))
