"""Channels and their pages; what is told, to whom, and what is not."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook

from api.keys.token import KeyEnvironment
from core import audit
from core.accounts import Organization
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.ids import new_uuid, public_id
from core.throttle import limiter
from portal.customer.audit_log.labels import label_for
from portal.customer.offboarding import closing
from portal.notifications import blocked, channel_secrets, channels, deliveries
from portal.notifications.dispatch import attempts_of
from portal.notifications.egress import Answer
from portal.notifications.errors import MOST_CHANNELS
from portal.notifications.events import EVENTS, EventAudience, of_audience, path_of
from portal.notifications.models import Channel, Delivery
from portal.notifications.payloads import lines_of
from portal.notifications.presets import PRESETS
from portal.notifications.states import CHANNEL_MOVES, ChannelState, Kind
from tests.cast import Caller, Member, another_key
from tests.people import Browser, Person, link_in, log_in, mails_to
from tests.portal.notify import HOOK, Receiver, channel, deliveries_of, make_channel, send_all, way_out

PAGES = "/organization/notifications"
FIELDS = {"kind": "webhook", "name": "On-call", "target": HOOK, "events": ["api_key.created", "quota.near"]}


def made_by(person: Person, path: str = PAGES, **changes: Any) -> Any:
    return person.post(path, **{**FIELDS, **changes})


def happen(app: Flask, owner: Any, action: str, **facts: Any) -> None:
    with app.app_context(), acting_as_system(), transaction():
        audit.write(owner, action, by=SYSTEM, now=utc_now(), subject_id="sub_1", after=facts)


def test_an_admin_makes_a_webhook_and_sees_its_secret_once(app: Flask, admin: Person, ada: Member) -> None:
    answer = made_by(admin)

    with app.app_context(), acting_as_system():
        (kept,) = channels.every(ada.organization_id)
        secret = channel_secrets.decrypt(kept.sealed_secret or b"")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret in answer.text
    assert secret.encode() not in (kept.sealed_secret or b"")
    assert secret not in admin.get(f"{PAGES}/{kept.id}").text
    assert "On-call" in admin.get(PAGES).text


def test_a_double_click_makes_one_channel_and_says_so(app: Flask, admin: Person, ada: Member) -> None:
    made_by(admin)

    again = made_by(admin)

    with app.app_context(), acting_as_system():
        assert len(channels.every(ada.organization_id)) == 1
    assert again.status_code == 409
    assert "If you submitted the form twice" in again.text


def test_operators_and_organizations_may_use_the_same_name(operator: Person, admin: Person) -> None:
    made_by(admin)

    answer = made_by(operator, "/console/notifications", events=["alert.firing"])

    assert answer.status_code == 200
    assert made_by(operator, "/console/notifications", events=["alert.firing"]).status_code == 409


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "https://10.0.0.1/"}, "not an IP address"),
        ({"target": "http://hooks.example.com/"}, "https://"),
        ({"kind": "slack", "target": "https://hooks.example.com/services/T"}, "hooks.slack.com"),
        ({"kind": "mail", "target": "not an address"}, "email address"),
        ({"kind": "mail", "target": "a@b.example\r\nBcc: c@d.example"}, "one line"),
        ({"name": ""}, "Enter a name"),
        ({"events": []}, "Choose at least one"),
        ({"events": ["alert.firing"]}, "Choose only from the options"),
        ({"kind": "pigeon"}, "Choose one of the options"),
    ],
)
def test_what_cannot_be_a_channel_is_refused_with_words(admin: Person, changes: dict[str, Any], words: str) -> None:
    answer = made_by(admin, **changes)

    assert answer.status_code == 422
    assert words in answer.text


def test_there_are_only_so_many_channels(app: Flask, admin: Person, ada: Member) -> None:
    for number in range(MOST_CHANNELS):
        make_channel(app, ada.organization_id, name=f"Hook {number}")

    assert made_by(admin).status_code == 409


def test_the_address_of_a_slack_channel_is_never_shown_again(app: Flask, admin: Person, ada: Member) -> None:
    made = make_channel(
        app, ada.organization_id, kind=Kind.SLACK, target="https://hooks.slack.com/services/T0/B0/very-secret"
    )

    page = admin.get(f"{PAGES}/{made.channel.id}").text

    assert "https://hooks.slack.com/…cret" in page
    assert "very-secret" not in page
    assert "services/T0" not in page


def test_a_member_without_the_role_sees_channels_and_no_way_to_change_them(
    app: Flask, viewer: Person, ada: Member
) -> None:
    made = make_channel(app, ada.organization_id)

    page = viewer.get(f"{PAGES}/{made.channel.id}").text

    assert "Send test" not in page
    assert "<form" not in page.partition('<main id="main">')[2].partition("</main>")[0]


def test_the_operators_channels_are_no_customers_and_the_other_way_round(
    app: Flask, operator: Person, owner: Person, ada: Member
) -> None:
    ours, theirs = make_channel(app, None, "alert.firing"), make_channel(app, ada.organization_id)

    assert owner.get(f"{PAGES}/{ours.channel.id}").status_code == 404
    assert operator.get(f"/console/notifications/{theirs.channel.id}").status_code == 404
    assert owner.post(f"{PAGES}/{ours.channel.id}/pause").status_code == 404
    assert operator.post(f"/console/notifications/{theirs.channel.id}/delete").status_code == 404
    assert channel(app, ours.channel.id).state == channel(app, theirs.channel.id).state == "active"


def test_the_database_itself_keeps_channels_apart(app: Flask, ada: Member, cleo: Member) -> None:
    make_channel(app, None, "alert.firing")
    make_channel(app, ada.organization_id)
    another_key(app, ada)

    for organization_id, number in ((cleo.organization_id, 0), (ada.organization_id, 1)):
        with app.app_context(), acting_for(organization_id):
            assert len(db.session.scalars(select(Channel)).all()) == number
            assert len(db.session.scalars(select(Delivery)).all()) == number


def test_when_an_account_is_closed_its_channels_go(app: Flask, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)
    another_key(app, ada)
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        organization.status, organization.closes_at = "closing", utc_now()
        db.session.flush()

        closing.finish(ada.organization_id, now=utc_now())

    assert deliveries_of(app, made.channel.id) == []


def test_a_key_that_is_made_is_told_with_its_name_and_nothing_secret(app: Flask, ada: Member) -> None:
    made, receiver = make_channel(app, ada.organization_id), Receiver()

    key = another_key(app, ada, name="Billing service")
    with way_out(app, receiver):
        send_all(app)

    (body,) = receiver.bodies
    assert (body["type"], body["organization"]) == ("api_key.created", ada.slug)
    assert body["data"]["name"] == "Billing service"
    assert body["data"]["subject"] == key.shown_key_id
    assert body["data"]["link"].endswith(f"/keys/{key.key_id}")
    assert key.secret not in str(receiver.taken)
    assert [one.state for one in deliveries_of(app, made.channel.id)] == ["delivered"]


def test_every_message_can_be_verified_with_the_specifications_library(app: Flask, ada: Member) -> None:
    made, receiver = make_channel(app, ada.organization_id), Receiver()
    another_key(app, ada)

    with way_out(app, receiver):
        send_all(app)

    url, body, headers = receiver.taken[0]
    assert url == HOOK
    assert Webhook(made.secret or "").verify(body, headers)["type"] == "api_key.created"
    assert headers["webhook-id"] == msgspec.json.decode(body)["id"]


def test_while_a_secret_is_rolled_both_verify_and_then_only_the_new_one(app: Flask, admin: Person, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)
    page = admin.post(f"{PAGES}/{made.channel.id}/roll-secret").text

    with app.app_context(), acting_as_system():
        kept = channels.find(ada.organization_id, made.channel.id)
        during = [channel_secrets.decrypt(one) for one in channel_secrets.sealed_secrets_of(kept, now=utc_now())]
        after = [
            channel_secrets.decrypt(one)
            for one in channel_secrets.sealed_secrets_of(kept, now=utc_now() + timedelta(hours=25))
        ]

    assert during[1] == made.secret
    assert after == during[:1]
    assert during[0] in page


def test_a_mail_has_no_secret_to_roll(app: Flask, admin: Person, owner: Person, ada: Member) -> None:
    made = make_channel(app, ada.organization_id, kind=Kind.MAIL, target=owner.email)

    assert admin.post(f"{PAGES}/{made.channel.id}/roll-secret").status_code == 409


def test_a_stranger_is_told_nothing(app: Flask, ada: Member, cleo: Member) -> None:
    made = make_channel(app, cleo.organization_id)

    another_key(app, ada)

    assert deliveries_of(app, made.channel.id) == []


def test_what_a_channel_did_not_choose_is_not_told(app: Flask, ada: Member) -> None:
    made = make_channel(app, ada.organization_id, "quota.near")

    another_key(app, ada)

    assert deliveries_of(app, made.channel.id) == []


def test_nothing_is_told_of_what_was_rolled_back(app: Flask, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)

    with app.app_context(), acting_as_system():
        audit.write(ada.organization_id, "api_key.created", by=SYSTEM, now=utc_now())
        db.session.rollback()

    assert deliveries_of(app, made.channel.id) == []


@pytest.mark.parametrize("action", sorted(EVENTS))
def test_every_event_reaches_its_audience_and_only_the_named_facts_leave(app: Flask, ada: Member, action: str) -> None:
    event = EVENTS[action]
    ours = make_channel(app, None, *(one.name for one in of_audience(EventAudience.OPERATORS)))
    theirs = make_channel(app, ada.organization_id, *(one.name for one in of_audience(EventAudience.CUSTOMER)))

    wanted = dict([event.only]) if event.only else {}
    facts = {**dict.fromkeys(event.facts, "fact"), **wanted}
    happen(app, ada.organization_id, action, canary="a word of a caller", **facts)

    told, untold = (ours, theirs) if event.audience is EventAudience.OPERATORS else (theirs, ours)
    (delivery,) = deliveries_of(app, told.channel.id)
    assert deliveries_of(app, untold.channel.id) == []
    assert delivery.event == event.name
    assert set(delivery.payload["data"]) == {"summary", "link", "subject", *event.facts}
    assert "canary" not in str(delivery.payload)


@pytest.mark.parametrize("action", sorted(EVENTS))
def test_what_is_told_leads_to_a_page(app: Flask, action: str) -> None:
    for subject in (str(new_uuid()), public_id("key", new_uuid())):
        path = path_of(EVENTS[action], subject)
        assert "{" not in path
        app.url_map.bind("").match(path, method="GET")


def test_a_mail_names_no_id_that_is_in_its_link() -> None:
    subject = new_uuid()
    key, number = public_id("key", subject), "1a30ba71cca2921f"
    link = f"https://governance.example/keys/{subject}"
    payload = {"organization": "ada-and-co", "data": {"summary": "API key created", "link": link, "subject": key}}

    assert lines_of(payload) == ["API key created.", "Organization: ada-and-co", link]
    payload["data"] = {"summary": "Alert firing", "link": "https://governance.example", "subject": number}
    assert f"Id: {number}" in lines_of(payload)
    payload["data"] = {
        "summary": "Status probes failing",
        "link": "https://api.governance.example",
        "subject": "check_api",
    }
    assert "Id: check_api" in lines_of(payload)


def test_an_event_of_operators_without_an_organization_is_told(app: Flask) -> None:
    made = make_channel(app, None, "backup.failed")

    happen(app, None, "backup.failed", step="dump")

    (delivery,) = deliveries_of(app, made.channel.id)
    assert delivery.payload["organization"] is None


def test_an_action_that_nobody_mapped_is_told_to_nobody(app: Flask, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)

    happen(app, ada.organization_id, "comet.seen")

    assert deliveries_of(app, made.channel.id) == []


def test_every_act_on_a_channel_has_words_on_the_trail() -> None:
    acts = ("created", "paused", "resumed", "changed", "secret_rolled", "deleted", "confirmed", "stopped", "tested")

    for act in acts:
        assert label_for(f"notification_channel.{act}") != f"notification_channel.{act}"


def test_while_a_channel_is_paused_nothing_is_kept_for_later_and_what_waits_waits(
    app: Flask, admin: Person, ada: Member
) -> None:
    made, receiver = make_channel(app, ada.organization_id), Receiver()
    another_key(app, ada, name="Before")
    admin.post(f"{PAGES}/{made.channel.id}/pause")
    another_key(app, ada, name="Meanwhile")

    with way_out(app, receiver):
        assert send_all(app) == 0
        admin.post(f"{PAGES}/{made.channel.id}/resume")
        send_all(app)

    assert [body["data"]["name"] for body in receiver.bodies] == ["Before"]


@pytest.mark.parametrize("state", list(ChannelState))
@pytest.mark.parametrize(("verb", "to"), [("pause", ChannelState.PAUSED), ("resume", ChannelState.ACTIVE)])
def test_a_channel_is_moved_only_along_the_table(
    app: Flask, admin: Person, ada: Member, state: ChannelState, verb: str, to: ChannelState
) -> None:
    made = make_channel(app, ada.organization_id)
    with app.app_context(), acting_as_system(), transaction():
        kept = channels.find(ada.organization_id, made.channel.id)
        kept.state = state.value
        kept.stopped_because = "gone" if state is ChannelState.FAILING else None

    answer = admin.post(f"{PAGES}/{made.channel.id}/{verb}")

    may_move = to in CHANNEL_MOVES[state] and state is not ChannelState.UNCONFIRMED
    assert answer.status_code == (303 if may_move else 409)
    assert channel(app, made.channel.id).state == (to if may_move else state)


def test_a_channel_is_told_of_other_events_once_they_are_chosen(app: Flask, admin: Person, ada: Member) -> None:
    made = make_channel(app, ada.organization_id, "quota.near")

    answer = admin.post(f"{PAGES}/{made.channel.id}/events", events=["api_key.created"], includes_test="y")
    another_key(app, ada)

    assert answer.status_code == 303
    assert channel(app, made.channel.id).includes_test
    assert len(deliveries_of(app, made.channel.id)) == 1
    assert admin.post(f"{PAGES}/{made.channel.id}/events").status_code == 422


def test_a_channel_is_deleted_with_its_log(app: Flask, admin: Person, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)
    another_key(app, ada)

    admin.post(f"{PAGES}/{made.channel.id}/delete")

    assert admin.get(f"{PAGES}/{made.channel.id}").status_code == 404
    assert deliveries_of(app, made.channel.id) == []


def test_a_test_goes_out_also_while_the_channel_is_paused(app: Flask, admin: Person, ada: Member) -> None:
    made, receiver = make_channel(app, ada.organization_id), Receiver(Answer(took_ms=3, status=500, text="broken"))
    admin.post(f"{PAGES}/{made.channel.id}/pause")

    answer = admin.post(f"{PAGES}/{made.channel.id}/test")
    with way_out(app, receiver):
        send_all(app)

    page = admin.get(answer.headers["Location"]).text
    assert receiver.bodies[0]["type"] == "test"
    assert "500" in page
    assert "broken" in page
    assert "failed" in page, "a test is not tried again"


def test_tests_are_limited(app: Flask, admin: Person, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)
    limiter.enabled = True
    try:
        answers = [admin.post(f"{PAGES}/{made.channel.id}/test").status_code for _ in range(7)]
    finally:
        limiter.reset()
        limiter.enabled = False

    assert answers == [303] * 6 + [429]


def test_a_delivery_is_sent_again_under_the_same_id_and_a_double_click_sends_one(
    app: Flask, admin: Person, ada: Member
) -> None:
    made, receiver = make_channel(app, ada.organization_id), Receiver()
    another_key(app, ada)
    with way_out(app, receiver):
        send_all(app)
        (delivery,) = deliveries_of(app, made.channel.id)
        again = f"{PAGES}/{made.channel.id}/deliveries/{delivery.id}/send-again"

        first, second = admin.post(again), admin.post(again)
        page = admin.get(second.headers["Location"]).text
        send_all(app)

    (delivery,) = deliveries_of(app, made.channel.id)
    assert (first.status_code, second.status_code) == (303, 303)
    assert "already queued" in page
    assert [body["id"] for body in receiver.bodies] == [delivery.payload["id"]] * 2
    assert len(attempts_of(delivery)) == 2


def test_a_member_gets_mail_at_once_and_it_says_how_to_stop_it(app: Flask, owner: Person, ada: Member) -> None:
    made = make_channel(app, ada.organization_id, kind=Kind.MAIL, target=owner.email)
    another_key(app, ada, name="<b>Bold</b>")

    send_all(app)

    mail = mails_to(app, owner.email)[-1]
    assert mail.subject == f"API key created ({ada.slug})"
    assert "Name: <b>Bold</b>" in (mail.text or "")
    assert "<b>Bold" not in (mail.html or "")
    assert f"{PAGES}/{made.channel.id}" in (mail.text or "")


def test_somebody_outside_gets_nothing_before_they_agree(
    app: Flask, admin: Person, nobody: Browser, ada: Member
) -> None:
    made_by(admin, kind="mail", target="security@elsewhere.example")
    another_key(app, ada)
    assert send_all(app) == 0
    (asked,) = mails_to(app, "security@elsewhere.example")

    looked = nobody.get(link_in(asked))
    agreed = nobody.post(link_in(asked))
    another_key(app, ada, name="After")
    send_all(app)

    assert (looked.status_code, agreed.status_code) == (200, 200)
    assert nobody.post(link_in(asked)).status_code == 404, "it works once"
    assert [mail.template for mail in mails_to(app, "security@elsewhere.example")][1:] == ["notification"]


def test_whoever_reads_the_mails_ends_them_without_an_account_and_nobody_else_begins_them_again(
    app: Flask, admin: Person, nobody: Browser, ada: Member
) -> None:
    made_by(admin, kind="mail", target="security@elsewhere.example")
    nobody.post(link_in(mails_to(app, "security@elsewhere.example")[0]))
    another_key(app, ada)
    send_all(app)
    mail = mails_to(app, "security@elsewhere.example")[-1]
    (stop,) = re.findall(r"http://[^/]+(/notifications/stop/\S+)", mail.text or "")
    looked = nobody.get(stop)
    with app.app_context(), acting_as_system():
        (kept,) = channels.every(ada.organization_id)
        state_before = kept.state

    stopped, again = nobody.post(stop), nobody.post(stop)
    another_key(app, ada, name="After")
    send_all(app)

    assert (looked.status_code, state_before) == (200, "active"), "looking at the page changes nothing"
    assert (stopped.status_code, again.status_code) == (200, 200)
    assert len(mails_to(app, "security@elsewhere.example")) == 2
    assert [mail.template for mail in mails_to(app, admin.email)].count("notification_stopped") == 1
    refused = admin.post(f"{PAGES}/{kept.id}/resume")
    assert (refused.status_code, "has not confirmed" in refused.text) == (409, True)
    assert nobody.get("/notifications/stop/not-ours").status_code == 404


def test_a_mail_program_ends_them_in_one_click(app: Flask, owner: Person, nobody: Browser, ada: Member) -> None:
    made = make_channel(app, ada.organization_id, kind=Kind.MAIL, target=owner.email)
    another_key(app, ada)
    send_all(app)
    path = urlsplit(mails_to(app, owner.email)[-1].unsubscribe_url or "").path

    led = nobody.get(path)
    assert (led.status_code, led.location) == (303, path.replace("unsubscribe", "stop"))
    assert channel(app, made.channel.id).state == ChannelState.ACTIVE

    assert nobody.client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert channel(app, made.channel.id).state == ChannelState.UNCONFIRMED


def test_slack_gets_text_in_which_nothing_is_a_mention_or_a_link(app: Flask, ada: Member) -> None:
    receiver = Receiver()
    make_channel(app, ada.organization_id, kind=Kind.SLACK, target="https://hooks.slack.com/services/T/B/secret")
    another_key(app, ada, name="<!channel> & <https://evil.example|click>")

    with way_out(app, receiver):
        send_all(app)

    (body,) = receiver.bodies
    assert set(body) == {"text"}
    assert "Name: &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;" in body["text"]


class TestBlockedDecisions:
    @pytest.fixture
    def minute(self, app: Flask, as_ada: Caller, ada: Member) -> Any:
        """A channel made before two live decisions were blocked and one was allowed."""
        made = make_channel(app, ada.organization_id, "decision.blocked", now=utc_now() - timedelta(minutes=5))
        facts = {"contains_personal_data": True}
        ids = [as_ada.check(metadata=facts, subject="person-1").json["decision_id"] for _ in range(2)]
        as_ada.check(metadata={"contains_personal_data": False})
        return made.channel, ids

    def tell(self, app: Flask, channel_id: Any, *, in_s: int = 60) -> bool:
        with app.app_context(), acting_as_system(), transaction():
            return blocked.notify(channel_id, now=utc_now() + timedelta(seconds=in_s))

    def test_are_told_once_with_count_ids_and_reasons(self, app: Flask, minute: Any) -> None:
        made, ids = minute

        told, again = self.tell(app, made.id), self.tell(app, made.id, in_s=120)

        (delivery,) = deliveries_of(app, made.id)
        data = delivery.payload["data"]
        assert (told, again) == (True, False)
        assert data["count"] >= 2
        assert set(ids) <= set(data["decision_ids"])
        assert data["reasons"]["contains_personal_data"] == 2
        assert "person-1" not in str(delivery.payload)

    def test_are_not_told_before_they_have_settled(self, app: Flask, minute: Any) -> None:
        made, _ = minute

        assert self.tell(app, made.id, in_s=0) is False
        assert self.tell(app, made.id) is True

    def test_of_test_keys_are_told_only_if_chosen(self, app: Flask, ada: Member) -> None:
        since = utc_now() - timedelta(minutes=5)
        plain = make_channel(app, ada.organization_id, "decision.blocked", now=since)
        with_test = make_channel(
            app, ada.organization_id, "decision.blocked", name="Test", now=since, includes_test=True
        )
        tester = Caller(app.test_client(), another_key(app, ada, environment=KeyEnvironment.TEST).secret)
        tester.check(metadata={"contains_personal_data": True})

        assert self.tell(app, plain.channel.id) is False
        assert self.tell(app, with_test.channel.id) is True

    def test_are_listed_up_to_twenty(self, app: Flask, as_ada: Caller, ada: Member) -> None:
        made = make_channel(app, ada.organization_id, "decision.blocked", now=utc_now() - timedelta(minutes=5))
        for _ in range(25):
            as_ada.check(metadata={"contains_personal_data": True})

        self.tell(app, made.channel.id)

        (delivery,) = deliveries_of(app, made.channel.id)
        assert delivery.payload["data"]["count"] == 25
        assert len(delivery.payload["data"]["decision_ids"]) == 20

    def test_are_looked_for_where_somebody_wants_them(self, app: Flask, minute: Any, ada: Member) -> None:
        made, _ = minute
        make_channel(app, ada.organization_id, "quota.near", name="Other")

        with app.app_context(), acting_as_system():
            found = blocked.to_notify(now=utc_now() + timedelta(seconds=60))
            assert found == [(made.id, ada.organization_id)]


def test_old_deliveries_are_deleted(app: Flask, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)
    another_key(app, ada)

    with app.app_context(), acting_as_system(), transaction():
        early = deliveries.purge(now=utc_now() + timedelta(days=29))
        late = deliveries.purge(now=utc_now() + timedelta(days=31))

    assert (early, late) == (0, 1)
    assert deliveries_of(app, made.channel.id) == []


def test_the_page_that_says_what_we_send_verifies_its_own_example(operator: Person, owner: Person) -> None:
    for person, path in ((owner, PAGES), (operator, "/console/notifications")):
        page = person.get(f"{path}/what-we-send").text

        assert "webhook-signature: v1," in page
        for event in of_audience(EventAudience.CUSTOMER if person is owner else EventAudience.OPERATORS):
            assert event.name in page


def test_the_python_on_that_page_takes_a_real_message(app: Flask, owner: Person, ada: Member) -> None:
    made, receiver = make_channel(app, ada.organization_id), Receiver()
    another_key(app, ada)
    with way_out(app, receiver):
        send_all(app)
    page = owner.get(f"{PAGES}/what-we-send").text
    code = page.partition('id="python"')[2].partition("<code>")[2].partition("</code>")[0].replace("&#34;", '"')
    names: dict[str, Any] = {}

    exec(code, names)  # noqa: S102  what the page tells its reader to run

    _, body, headers = receiver.taken[0]
    assert names["verified"](made.secret, body, headers)["type"] == "api_key.created"


def test_of_sign_ins_only_those_of_owners_are_told(app: Flask, ada: Member, owner: Person, viewer: Person) -> None:
    made = make_channel(app, ada.organization_id, "owner.logged_in")

    for who in (viewer, owner):
        log_in(Browser(app.test_client()), who.email)

    (delivery,) = deliveries_of(app, made.channel.id)
    assert delivery.payload["data"]["method"] == "password"


def test_a_preset_begins_a_channel_with_its_events_alone(owner: Person) -> None:
    page = owner.get(f"{PAGES}/new?preset=billing").text

    chosen = re.findall(r'<input checked[^>]*name="events"[^>]*value="([^"]+)"', page)
    assert chosen == [name for name in chosen if name.startswith(("quota.", "entitlement."))]
    assert len(chosen) == 3
    assert 'name="events"' in owner.get(f"{PAGES}/new?preset=nonsense").text


@pytest.mark.parametrize("audience", list(EventAudience))
def test_every_preset_has_events_and_every_part_of_it_names_one(audience: EventAudience) -> None:
    names = [event.name for event in of_audience(audience)]
    for preset in PRESETS[audience].values():
        assert [part for part in preset.prefixes if not any(name.startswith(part) for name in names)] == []


def test_errors_of_a_new_channel_come_in_the_order_of_its_fields(owner: Person) -> None:
    told = owner.post("/organization/notifications", kind="mail").text.split("There is a problem")[1].split("</ul>")[0]

    assert re.findall(r'href="#([a-z_]+)"', told) == ["name", "target", "events"]
