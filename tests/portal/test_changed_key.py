"""SECRET_KEY is changed: while the one before is believed nobody notices, and what is sealed is carried over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyotp
import pytest
from flask import Flask

from core import current, encryption
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.members import User
from core.rotations import services as rotations
from core.settings import Settings
from portal.customer.people import recovery, second_factor
from portal.customer.people.models import RecoveryCode, TotpSecret
from portal.customer.people.second_factor import WrongCode
from portal.notifications import channel_secrets
from portal.notifications.models import Channel
from tests.cast import Member
from tests.people import Browser, is_signed_in, log_in, make_user
from tests.portal.notify import channel_with_delivery
from wsgi import create_app

OLD, NEW = "9d1f6b3c5e7a2048" * 2, "f3b1c07d94ae5286" * 2


@pytest.fixture
def user_id(app: Flask) -> object:
    return make_user(app, "Olga", is_operator=False)[0]


def set_up_app(app: Flask, user_id: object, secret_key: str, *, is_confirmed: bool = True) -> str:
    with app.app_context(), acting_as_system(), transaction():
        user = db.session.get_one(User, user_id)
        second_factor.begin_totp(user, secret_key=secret_key, now=utc_now())
        totp = db.session.get_one(TotpSecret, user_id)
        totp.confirmed_at = utc_now() if is_confirmed else None
        secret = encryption.decrypt("second factor", totp.sealed_secret, secret_keys=[secret_key])
    assert secret is not None
    return secret


def use(app: Flask, user_id: object, code: str, *keys: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        second_factor.use_code(db.session.get_one(User, user_id), code, secret_keys=keys, now=utc_now())


def roll(app: Flask, monkeypatch: pytest.MonkeyPatch, *, key: str, previous: str | None) -> None:
    settings = app.extensions[current.EXTENSION]
    changed = msgspec.structs.replace(settings, secret_key=key, secret_key_previous=previous)
    monkeypatch.setitem(app.extensions, current.EXTENSION, changed)


def test_an_app_is_believed_with_the_key_before_and_after_resealing_with_the_new_one_alone(
    app: Flask, user_id: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = set_up_app(app, user_id, OLD)
    use(app, user_id, pyotp.TOTP(secret).at(int(utc_now().timestamp()) - 30), NEW, OLD)
    roll(app, monkeypatch, key=NEW, previous=OLD)

    done = app.test_cli_runner().invoke(args=["secrets", "reseal"])
    again = app.test_cli_runner().invoke(args=["secrets", "reseal"])

    assert done.output.startswith("1 second factors re-encrypted")
    assert again.output.startswith("0 second factors")
    use(app, user_id, pyotp.TOTP(secret).now(), NEW)


def test_without_the_key_before_the_code_is_refused_and_says_the_way_out(app: Flask, user_id: object) -> None:
    secret = set_up_app(app, user_id, OLD)

    with pytest.raises(WrongCode, match="recovery code"):
        use(app, user_id, pyotp.TOTP(secret).now(), NEW)


def test_a_recovery_code_works_whatever_the_key_is(app: Flask, user_id: object) -> None:
    with app.app_context(), acting_as_system(), transaction():
        codes = second_factor.renew_recovery_codes(db.session.get_one(User, user_id))

    use(app, user_id, codes[0], NEW)

    with pytest.raises(WrongCode):
        use(app, user_id, codes[0], NEW)


def test_a_recovery_code_of_somebody_else_opens_nothing(app: Flask, user_id: object) -> None:
    other_id, _ = make_user(app, "Cleo")
    with app.app_context(), acting_as_system(), transaction():
        codes = second_factor.renew_recovery_codes(db.session.get_one(User, other_id))

    with pytest.raises(WrongCode):
        use(app, user_id, codes[0], NEW)


def test_a_recovery_code_that_was_hashed_with_the_key_still_works_with_it(app: Flask, user_id: object) -> None:
    code = "ABCDEFGHIJKLMNOP"
    with app.app_context(), acting_as_system(), transaction():
        second_factor.renew_recovery_codes(db.session.get_one(User, user_id))
        kept = db.session.query(RecoveryCode).filter_by(user_id=user_id).first()
        assert kept is not None
        kept.code_hash = recovery.keyed_hashes_of(code, secret_keys=[OLD])[0]

    use(app, user_id, code, NEW, OLD)


def test_resealing_leaves_what_no_key_opens_unless_it_was_never_used(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed, waiting = make_user(app, "Ada")[0], make_user(app, "Ben")[0]
    set_up_app(app, confirmed, "a key that nobody has any more....")
    set_up_app(app, waiting, "a key that nobody has any more....", is_confirmed=False)
    roll(app, monkeypatch, key=NEW, previous=OLD)

    with app.app_context(), acting_as_system(), transaction():
        assert rotations.reseal() == 0
        assert db.session.get(TotpSecret, confirmed) is not None
        assert db.session.get(TotpSecret, waiting) is None


@pytest.fixture
def started(live_url: str, tmp_path: Path) -> Iterator[Any]:
    """Starts the service with a key, and perhaps the one before."""
    apps: list[Flask] = []

    def start(key: str, previous: str | None = None) -> Flask:
        settings = Settings(database_url=live_url, data_dir=str(tmp_path), secret_key=key, secret_key_previous=previous)
        apps.append(create_app(settings))
        return apps[-1]

    yield start
    for app in apps:
        with app.app_context():
            db.engine.dispose()


def with_cookie(app: Flask, value: str) -> Browser:
    browser = Browser(app.test_client())
    browser.client.set_cookie("aig", value)
    return browser


def test_a_channel_can_be_read_with_the_key_before_and_after_resealing_with_the_new_one_alone(
    app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll(app, monkeypatch, key=OLD, previous=None)
    with app.app_context(), acting_as_system(), transaction():
        channel_id = channel_with_delivery(ada.organization_id)[0].id
        target = channel_secrets.decrypt(db.session.get_one(Channel, channel_id).sealed_target)

    roll(app, monkeypatch, key=NEW, previous=OLD)
    with app.app_context(), acting_as_system(), transaction():
        still = channel_secrets.decrypt(db.session.get_one(Channel, channel_id).sealed_target)
        resealed = rotations.reseal()
    roll(app, monkeypatch, key=NEW, previous=None)

    with app.app_context(), acting_as_system():
        assert still == channel_secrets.decrypt(db.session.get_one(Channel, channel_id).sealed_target) == target
    assert resealed == 1


def test_whoever_is_signed_in_stays_so_and_an_open_form_can_be_sent_until_the_old_key_goes(started: Any) -> None:
    before = started(OLD)
    browser = Browser(before.test_client())
    log_in(browser, make_user(before, "Ada")[1])
    token = browser.token()
    cookie = browser.client.get_cookie("aig")
    assert cookie is not None

    rolling = with_cookie(started(NEW, OLD), cookie.value)
    is_known_after = is_signed_in(with_cookie(started(NEW), cookie.value))

    assert is_signed_in(rolling)
    assert rolling.post_without_token("/log-out", csrf_token=token).status_code == 303
    assert not is_signed_in(rolling)
    assert not is_known_after
