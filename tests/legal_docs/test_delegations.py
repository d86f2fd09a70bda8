"""Sending the documents to the one who has the authority."""

import re
from datetime import timedelta

import pytest

from core.db import acting_for
from core.errors import InvalidRequest
from legal_docs.acceptances import delegations
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.delegations import LinkUnusable, LinkUsed
from legal_docs.acceptances.status import has_accepted_everything
from tests.legal_docs.scene import NOW, Firm, mails, publish_second_terms, seen_now, statement

BOSS = "boss@ada-and-co.example"


def send_link(firm: Firm, email: str = BOSS) -> str:
    """The token, as the mail carries it."""
    with acting_for(firm.id):
        delegations.delegate(firm.id, email=email, sender_email="ben@people.example", by=firm.owner, now=NOW)
    found = re.search(r"/legal/sign/(\S+)", mails("legal_delegation")[-1].text or "")
    assert found is not None
    return found[1]


def test_the_link_lets_a_person_without_an_account_accept(ada: Firm) -> None:
    token = send_link(ada)

    accepted = delegations.accept_by_link(
        token, seen=seen_now(), statement=statement(None, name="Grace Boss"), by=ada.owner, now=NOW
    )

    assert {(row.signer_name, row.signer_email, row.user_id, row.auth_method) for row in accepted} == {
        ("Grace Boss", BOSS, None, "link")
    }
    assert has_accepted_everything(ada.id, now=NOW)
    (receipt,) = mails("legal_receipt")
    assert receipt.recipient == BOSS
    assert "/legal/acceptances/" not in (receipt.text or ""), "it would ask for an account"
    (told,) = mails("legal_link_used")
    assert "Grace Boss" in (told.text or "")
    with pytest.raises(LinkUsed):
        delegations.find_delegation(token, now=NOW)


def test_looking_never_uses_a_link_up(ada: Firm) -> None:
    token = send_link(ada)

    for _ in range(5):
        assert delegations.find_delegation(token, now=NOW).email == BOSS


def test_only_the_hash_of_the_token_is_kept(ada: Firm) -> None:
    token = send_link(ada)
    kept = delegations.find_delegation(token, now=NOW).token_hash

    assert len(kept) == 32
    assert token.encode() not in kept


def test_pressing_twice_gives_the_same_acceptances(ada: Firm) -> None:
    token, seen = send_link(ada), seen_now()
    first = delegations.accept_by_link(token, seen=seen, statement=statement(None), by=ada.owner, now=NOW)

    second = delegations.accept_by_link(token, seen=seen, statement=statement(None), by=ada.owner, now=NOW)

    assert [row.id for row in second] == [row.id for row in first]
    assert len(acceptances.history(ada.id)) == 2
    assert len(mails("legal_link_used")) == 1


def test_a_used_link_accepts_nothing_else(ada: Firm) -> None:
    token = send_link(ada)
    delegations.accept_by_link(token, seen=seen_now(), statement=statement(None), by=ada.owner, now=NOW)
    publish_second_terms(now=NOW)

    with pytest.raises(LinkUnusable):
        delegations.accept_by_link(token, seen=seen_now(), statement=statement(None), by=ada.owner, now=NOW)
    with pytest.raises(LinkUnusable):
        delegations.find_delegation(token, now=NOW)


def test_a_link_expires(ada: Firm) -> None:
    token = send_link(ada)
    end = NOW + timedelta(days=14)

    assert delegations.find_delegation(token, now=end - timedelta(seconds=1))
    with pytest.raises(LinkUnusable):
        delegations.find_delegation(token, now=end)
    with pytest.raises(LinkUnusable):
        delegations.accept_by_link(token, seen=seen_now(), statement=statement(None), by=ada.owner, now=end)


def test_a_newer_link_replaces_the_older_one(ada: Firm) -> None:
    old, new = send_link(ada), send_link(ada)

    with pytest.raises(LinkUnusable):
        delegations.find_delegation(old, now=NOW)
    assert [found.id for found in delegations.pending(ada.id, now=NOW)] == [
        delegations.find_delegation(new, now=NOW).id
    ]


def test_an_invented_link_opens_nothing(published: None) -> None:
    with pytest.raises(LinkUnusable):
        delegations.find_delegation("x" * 43, now=NOW)


@pytest.mark.parametrize("email", ["", "boss", "a@b@c", "a b@c.example", "@c.example", "a@" + "b" * 300])
def test_what_is_no_address_gets_no_link(ada: Firm, email: str) -> None:
    with pytest.raises(InvalidRequest):
        delegations.delegate(ada.id, email=email, sender_email="ben@people.example", by=ada.owner, now=NOW)


def test_a_stranger_sees_no_links(ada: Firm, cleo: Firm) -> None:
    send_link(ada)

    with acting_for(cleo.id):
        assert delegations.pending(ada.id, now=NOW) == []
