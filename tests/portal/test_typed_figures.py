"""Times that a page or a mail types out are those that the software goes by: whoever changes one finds every place."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from api.keys.services import LONGEST_OVERLAP
from core.sessions import FRESH_FOR
from legal_docs import figures
from portal.console.measures.views import LIMITED_OVER
from portal.customer.applications.states import INFORMATION_WITHIN
from portal.customer.decisions import session_key
from portal.customer.keys.overview import ROTATE_AFTER
from portal.customer.people import links, pace
from portal.customer.people.models import Purpose
from portal.customer.policies.comparing import EFFECT_OVER
from portal.customer.policies.jobs import IMPACT_OVER
from portal.customer.policies.model_views import IN_USE_OVER
from portal.customer.policies.required_fact_views import QUALITY_OVER
from portal.customer.team.services import INVITATION_LIFE
from portal.notifications import deliveries
from portal.notifications.states import LONGEST_ASKED_WAIT, TRIES, wait_before_next
from portal.status import board, clocks, subscribers
from portal.status.detection import UPTIME_DAYS
from portal.support import states
from tests.databases import ROOT

ROOMS = [ROOT / room / "templates" for room in ("core", "portal", "billing", "legal_docs", "api")]
TEMPLATES = sorted(path for room in ROOMS for path in room.rglob("*") if path.suffix in {".html", ".txt"})

_NUMBERS = {"one": 1, "two": 2, "three": 3, "seven": 7, "fourteen": 14, "thirty": 30}
_UNITS = {unit: timedelta(**{f"{unit}s": 1}) for unit in ("second", "minute", "hour", "day", "week")}
_TYPED = re.compile(rf"\b(\d[\d,]*|{'|'.join(_NUMBERS)}) ({'|'.join(_UNITS)})s?\b")

DAY, HOUR, MINUTE = _UNITS["day"], _UNITS["hour"], _UNITS["minute"]
OUTAGE = figures.CRITICAL_OUTAGE_MINUTES * MINUTE
FIRST_WAIT = (wait_before_next(1, chance=1) or timedelta()).total_seconds() // 30 * timedelta(seconds=30)
ALL_TRIES = sum((wait_before_next(number, chance=0.5) or timedelta() for number in range(1, TRIES)), timedelta())
ABOUT_THREE_DAYS = round(ALL_TRIES / DAY) * DAY
ANSWERED_BY_MAIL = 48 * HOUR
"""What the founding documents aim at; the clocks of a request promise less or the same."""

SAID: dict[str, list[timedelta]] = {
    "mail/application_question": [INFORMATION_WITHIN],
    "mail/breach_notice": [clocks.AUTHORITY_WITHIN, clocks.AUTHORITY_WITHIN],
    "mail/change_address": [links.LIFE[Purpose.CHANGE_ADDRESS]],
    "mail/confirm_address": [links.LIFE[Purpose.CONFIRM_ADDRESS]],
    "mail/key_old": [ROTATE_AFTER, LONGEST_OVERLAP],
    "mail/notification_stopped": [ABOUT_THREE_DAYS],
    "mail/policies_migrated": [IMPACT_OVER, IMPACT_OVER],
    "mail/reset_password": [links.LIFE[Purpose.RESET_PASSWORD]],
    "mail/status_subscription": [subscribers.CONFIRM_WITHIN],
    "mail/ticket_answered": [states.REOPENED_WITHIN],
    "mail/ticket_not_heard": [states.ANSWERED_WITHIN, states.REOPENED_WITHIN],
    "mail/ticket_survey": [states.SURVEY_OPEN_FOR],
    "mail/wrong_sign_ins": [pace.LIMITS[pace.Kind.PASSWORD].everybody.most_s * _UNITS["second"]],
    "portal/console/organization.html": [30 * DAY, 30 * DAY],
    "portal/console/status/breach.html": [clocks.AUTHORITY_WITHIN],
    "portal/console/status/incident.html": [clocks.NOTICE_WITHIN, clocks.REVIEW_WITHIN],
    "portal/console/status/new.html": [clocks.NOTICE_WITHIN],
    "portal/notifications/index.html": [deliveries.KEPT],
    "portal/notifications/show.html": [ABOUT_THREE_DAYS, deliveries.KEPT],
    "portal/notifications/what_we_send.html": [ABOUT_THREE_DAYS, FIRST_WAIT, LONGEST_ASKED_WAIT, deliveries.KEPT],
    "portal/customer/decisions/try_it.html": [session_key.LIFE],
    "portal/public/security.html": [UPTIME_DAYS * DAY],
    "portal/customer/people/check_mail.html": [links.LIFE[Purpose.CONFIRM_ADDRESS]],
    "portal/customer/people/forgotten.html": [links.LIFE[Purpose.RESET_PASSWORD]],
    "portal/customer/people/prove_it.html": [FRESH_FOR],
    "portal/customer/policies/_effect.html": [EFFECT_OVER, EFFECT_OVER],
    "portal/customer/policies/_rule_state.html": [EFFECT_OVER, EFFECT_OVER],
    "portal/customer/policies/_settings.html": [EFFECT_OVER],
    "portal/customer/policies/models.html": [IN_USE_OVER, IN_USE_OVER],
    "portal/customer/policies/required_facts.html": [QUALITY_OVER],
    "portal/status/_board.html": [board.RECENT],
    "portal/status/_components.html": [UPTIME_DAYS * DAY] * 3,
    "portal/support/new.html": [OUTAGE],
    "portal/support/show.html": [states.ANSWERED_WITHIN],
    "portal/customer/team/index.html": [INVITATION_LIFE],
    # What people do, and not the software
    "mail/application_approved": [ANSWERED_BY_MAIL, OUTAGE, 10 * MINUTE, 10 * MINUTE, 10 * MINUTE],
    "mail/feedback_survey": [2 * MINUTE],
    "mail/no_first_check": [15 * MINUTE],
    "portal/console/launch/watch_lists.html": [2 * HOUR, 2 * HOUR],
    # Spans that are asked for by the same page's view
    "portal/console/launch/watch.html": [24 * HOUR],
    "portal/console/now.html": [7 * DAY, 7 * DAY],
    "portal/feedback/index.html": [90 * DAY, 90 * DAY],
    "portal/console/measures/index.html": [30 * DAY, 7 * DAY, 24 * HOUR, LIMITED_OVER],
}


def name_of(template: Path) -> str:
    return template.relative_to(next(room for room in ROOMS if template.is_relative_to(room))).as_posix()


def said_in(template: Path) -> list[timedelta]:
    found = _TYPED.findall(template.read_text())
    return [(_NUMBERS.get(number) or int(number.replace(",", ""))) * _UNITS[unit] for number, unit in found]


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_what_is_typed_is_what_holds(template: Path) -> None:
    name = name_of(template)

    assert said_in(template) == SAID.get(name, SAID.get(name.removesuffix(template.suffix), []))


def test_the_table_names_no_template_that_is_gone() -> None:
    names = {name_of(template) for template in TEMPLATES}

    assert SAID.keys() - names - {name.removesuffix(".html") for name in names} == set()
