"""The pages on which an ended key is deleted, or erased with its decisions."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from core.formats import utc
from legal_docs.figures import BACKUP_DAYS
from tests.api.test_key_erasure import count, is_there, made
from tests.cast import Member
from tests.people import Person, mails_to


@pytest.fixture
def ended(app: Flask, ada: Member) -> UUID:
    return made(app, ada, decisions=3)


def test_a_developer_deletes_a_revoked_key_and_its_decisions_stay_readable(
    app: Flask, ada: Member, developer: Person, ended: UUID
) -> None:
    assert f"/keys/{ended}/delete" in developer.get(f"/keys/{ended}").text
    page = developer.get(f"/keys/{ended}/delete").text
    assert "3 decisions made with this key" in page
    assert "Erase key and decisions" not in page

    assert developer.post(f"/keys/{ended}/delete", typed="old").status_code == 303

    assert not is_there(app, ada, ended)
    log = developer.get(f"/decisions?key=key_{ended.hex}").text
    assert log.count('class="row-link"') == 3
    path = log.partition('class="row-link"')[2].partition('href="')[2].partition('"')[0]
    shown = developer.get(path)
    assert shown.status_code == 200
    assert f'<span class="mono">key_{ended.hex}</span> <span class="quiet">deleted</span>' in shown.text


def test_an_admin_erases_both_and_owners_get_a_certificate(
    app: Flask, ada: Member, admin: Person, owner: Person, ended: UUID
) -> None:
    assert admin.post(f"/keys/{ended}/erase", typed="old").status_code == 303

    assert not is_there(app, ada, ended)
    assert count(app, ada, ended) == 0
    (mail,) = [one for one in mails_to(app, owner.email) if one.template == "key_erased"]
    words = str(mail.text)
    assert f"key_{ended.hex}" in words
    assert "Decisions made with it: 3" in words
    assert f"Gone from all backups by: {utc(mail.created_at + timedelta(days=BACKUP_DAYS))}" in words


def test_a_developer_does_not_erase_decisions(app: Flask, ada: Member, developer: Person, ended: UUID) -> None:
    assert developer.post(f"/keys/{ended}/erase", typed="old").status_code == 403
    assert count(app, ada, ended) == 3


@pytest.mark.parametrize("verb", ["delete", "erase"])
@pytest.mark.parametrize("typed", ["", "other"])
def test_without_its_name_nothing_is_deleted(
    app: Flask, ada: Member, admin: Person, ended: UUID, verb: str, typed: str
) -> None:
    assert admin.post(f"/keys/{ended}/{verb}", typed=typed).status_code == 422
    assert is_there(app, ada, ended)


@pytest.mark.parametrize("verb", ["delete", "erase"])
def test_a_key_that_works_is_refused_with_what_to_do(app: Flask, ada: Member, admin: Person, verb: str) -> None:
    key_id = made(app, ada, decisions=1, is_revoked=False)

    answer = admin.post(f"/keys/{key_id}/{verb}", typed="old")

    assert answer.status_code == 409
    assert "Revoke it first" in answer.text
    assert f"/keys/{key_id}/delete" not in admin.get(f"/keys/{key_id}").text


@pytest.mark.parametrize("verb", ["delete", "erase"])
def test_a_stranger_gets_404_and_a_second_click_too(
    app: Flask, ada: Member, admin: Person, stranger: Person, ended: UUID, verb: str
) -> None:
    assert stranger.post(f"/keys/{ended}/{verb}", typed="old").status_code == 404

    assert admin.post(f"/keys/{ended}/{verb}", typed="old").status_code == 303
    assert admin.post(f"/keys/{ended}/{verb}", typed="old").status_code == 404


def test_a_viewer_sees_no_way_to_delete(viewer: Person, ended: UUID) -> None:
    assert viewer.get(f"/keys/{ended}/delete").status_code == 403
    assert "/delete" not in viewer.get(f"/keys/{ended}").text
