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
        "First response",
        "Hello {name},\n\nThank you for contacting us. As we understand it: [one-line summary].\n"
        "We set the severity to {severity} and are investigating.\n\n"
        "Next steps:\n1. [step]\n2. [step]\n3. [step]\n\n"
        "We will reply again within 24 hours. If you can, please send [what would help].\n\n{operator}",
    ),
    Template.CAUSE: Reply(
        "Cause found",
        "Hello {name},\n\nWe found the cause: [what]. It happened because [why].\n\n"
        "Status: [fixed / fixed within X hours / workaround until then: …].\n"
        "What you need to do: [nothing / …].\n\nWe apologize for the inconvenience.\n\n{operator}",
    ),
    Template.NOT_REPRODUCED: Reply(
        "Could not reproduce",
        "Hello {name},\n\nWe could not reproduce the problem. Please send us:\n"
        "- your browser or library with its version, and your operating system\n"
        "- the time in UTC, as precisely as possible\n"
        "- the steps to reproduce it\n- the request ID (X-Request-Id) or a screenshot\n\n{operator}",
    ),
    Template.RESOLVED: Reply(
        "Resolved",
        "Hello {name},\n\nThis is resolved: [what changed].\n\nTo check: [step].\n\n"
        "If the problem persists, reply to this message to reopen the request.\n\n{operator}",
    ),
    Template.WISH: Reply(
        "Feature request",
        "Hello {name},\n\nThank you for the suggestion. We added your vote for [feature].\n"
        "Status: [planned this quarter / planned after the pilot / under consideration, no date yet].\n"
        "We are happy to discuss it in a short call.\n\n{operator}",
    ),
    Template.BILLING: Reply(
        "Billing",
        "Hello {name},\n\nWe reviewed your plan and invoices: [what we found].\n"
        "[What we did / what you can do under Plan and usage.]\n\n{operator}",
    ),
    Template.SLOWNESS: Reply(
        "Degraded performance",
        "Hello {name},\n\nChecks are slower than usual: the 95th percentile is about [X] ms, and our target is 500 ms."
        " We are working on it.\nWe will send an update within 2 hours and expect to resolve this within 24 hours.\n"
        "No action is needed.\n\n{operator}",
    ),
    Template.CALL: Reply(
        "Offer a call",
        "Hello {name},\n\nA 15-minute call may be faster. Would [time], [time] or [time] (UTC) work for you?"
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
