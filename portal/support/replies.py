"""What operators often write. Imports no database.

A template is a start: what stands in [brackets] is to be filled in, and an answer that still has some is refused.
"""

import re
from enum import StrEnum

import msgspec


class Template(StrEnum):
    INITIAL = "initial"
    CAUSE = "cause"
    NOT_REPRODUCED = "not_reproduced"
    RESOLVED = "resolved"
    WISH = "wish"
    BILLING = "billing"
    SLOWNESS = "slowness"
    CALL = "call"


class Reply(msgspec.Struct, frozen=True):
    title: str
    body: str


REPLIES = {
    Template.INITIAL: Reply(
        "First answer",
        "Hello {name},\n\nthank you for writing. We understand it so: [one line].\n"
        "We take it as {severity}, and are looking into it now.\n\n"
        "What comes next:\n1. [step]\n2. [step]\n3. [step]\n\n"
        "You hear from us again within 24 hours. If you can, add [what would help].\n\n{operator}",
    ),
    Template.CAUSE: Reply(
        "The cause is found",
        "Hello {name},\n\nwe found the cause: [what]. It came about because [why].\n\n"
        "How it stands: [mended / mended in X hours / until then this helps: …].\n"
        "What you need to do: [nothing / …].\n\nWe are sorry for the trouble.\n\n{operator}",
    ),
    Template.NOT_REPRODUCED: Reply(
        "It does not show here",
        "Hello {name},\n\nwe tried it and it did not show here. Could you tell us:\n"
        "- the browser or the library and its version, and the operating system\n"
        "- the time in UTC, as exactly as you can\n"
        "- each step, one by one\n- the request id (X-Request-Id) or a screenshot\n\n{operator}",
    ),
    Template.RESOLVED: Reply(
        "It is resolved",
        "Hello {name},\n\nit is done: [what changed].\n\nTo check it: [step].\n\n"
        "If it is not as it should be, just answer; the request is open again then.\n\n{operator}",
    ),
    Template.WISH: Reply(
        "A wish",
        "Hello {name},\n\nthank you for the idea. We counted your vote for [wish].\n"
        "Where it stands: [this quarter / after the pilot / on the list, without a date].\n"
        "If you like, we talk about it in a short call.\n\n{operator}",
    ),
    Template.BILLING: Reply(
        "Billing",
        "Hello {name},\n\nwe looked at your plan and invoices: [what we found].\n"
        "[What we did / what you can do under Plan and usage.]\n\n{operator}",
    ),
    Template.SLOWNESS: Reply(
        "Slower than promised",
        "Hello {name},\n\nchecks take longer than they should at the moment: about [X] ms for 95 of 100, where we"
        " aim for 500 ms. We are on it.\nThe next word comes within 2 hours, and we mean to have it mended within 24"
        " hours.\nYou need to do nothing.\n\n{operator}",
    ),
    Template.CALL: Reply(
        "Offer a call",
        "Hello {name},\n\nthis is quicker in a call of 15 minutes. Would [time], [time] or [time] (UTC) suit you?"
        "\n\n{operator}",
    ),
}

_BLANK = re.compile(r"\[[^\]\n]{1,120}\]")


def written(template: Template, *, name: str, severity: str, operator: str) -> str:
    return REPLIES[template].body.format(name=name, severity=severity, operator=operator)


def blanks_in(body: str) -> list[str]:
    """What of a template was not filled in."""
    known = {blank for reply in REPLIES.values() for blank in _BLANK.findall(reply.body)}
    return [blank for blank in _BLANK.findall(body) if blank in known]
