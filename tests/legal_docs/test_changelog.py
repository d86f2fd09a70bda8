"""The feed of legal changes."""

from datetime import timedelta
from xml.etree import ElementTree as ET

from flask import Flask

from core.audit import SYSTEM
from legal_docs import changelog
from legal_docs.documents.kinds import Kind
from legal_docs.publishing import announce
from legal_docs.register import changes, effect, services
from legal_docs.register.changes import ChangeKind
from tests.legal_docs.scene import HOST, MAILER, NOW, publish_version

ATOM = "{http://www.w3.org/2005/Atom}"
IN_FORCE = NOW + timedelta(days=30)


def titles() -> list[str]:
    return [entry.title for entry in changelog.entries(base_url="https://gov.example")]


def test_a_published_version_is_told_with_its_address_and_hash(system: None) -> None:
    version = publish_version(Kind.PRIVACY, "1.0")

    (entry,) = changelog.entries(base_url="https://gov.example")

    assert entry.title == "Privacy policy 1.0 published"
    assert entry.url == "https://gov.example/legal/privacy/1.0"
    assert (entry.at, version.sha256 in entry.text) == (NOW, True)


def test_a_change_of_the_register_is_told_when_announced_and_when_in_effect(system: None) -> None:
    host = services.list_first(HOST, by=SYSTEM, now=NOW)
    announce(
        ChangeKind.REPLACE,
        reason="Better.",
        takes_effect_at=IN_FORCE,
        entry=MAILER,
        replaces=host.id,
        by=SYSTEM,
        now=NOW,
    )
    assert titles() == ["Sub-processors: Cloud Host replaced by Mailer (announced)"]

    effect.follow_up(now=IN_FORCE)

    assert titles() == [
        "Sub-processors: Cloud Host replaced by Mailer (in effect)",
        "Sub-processors: Cloud Host replaced by Mailer (announced)",
    ]
    announced = changelog.entries(base_url="")[-1]
    assert "Better." in announced.text
    assert "Mailer Inc." in announced.text


def test_a_withdrawn_change_and_a_removal_are_told(system: None) -> None:
    host = services.list_first(HOST, by=SYSTEM, now=NOW)
    change = announce(
        ChangeKind.REMOVE, reason="Unused.", takes_effect_at=IN_FORCE, replaces=host.id, by=SYSTEM, now=NOW
    )
    changes.withdraw(change.id, by=SYSTEM, now=NOW + timedelta(days=1))

    assert titles() == [
        "Sub-processors: Cloud Host removed (withdrawn)",
        "Sub-processors: Cloud Host removed (announced)",
    ]


def test_each_entry_has_an_id_of_its_own(published: None) -> None:
    announce(ChangeKind.ADD, reason="x", takes_effect_at=IN_FORCE, entry=MAILER, by=SYSTEM, now=NOW)
    effect.follow_up(now=IN_FORCE)
    ids = [entry.id for entry in changelog.entries(base_url="")]

    assert len(ids) == len(set(ids)) == len(Kind) + 2


def test_anybody_can_follow_it(app: Flask, published: None) -> None:
    answer = app.test_client().get("/legal/changes.atom")

    root = ET.fromstring(answer.data)  # noqa: S314  our own
    assert (answer.status_code, answer.content_type) == (200, "application/atom+xml; charset=utf-8")
    assert len(root.findall(f"{ATOM}entry")) == len(Kind)
    assert [link.get("rel") for link in root.findall(f"{ATOM}link")] == ["self", "alternate"]
