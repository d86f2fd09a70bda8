"""What is done, what is next and who has to act, worked out from the facts each time it is asked."""

from datetime import datetime
from uuid import UUID

import msgspec

from api.decisions import services as decisions
from api.keys import lookup
from api.keys.token import KeyEnvironment
from core.accounts import OrganizationStatus
from core.formats import utc
from core.profiles import find_profile
from legal_docs.acceptances import delegations
from legal_docs.acceptances.status import AcceptanceStatus, acceptance_status
from legal_docs.documents.kinds import ACCEPTED_KINDS, Kind
from portal.customer.applications import services as applications
from portal.customer.applications.models import Application
from portal.customer.applications.states import LABELS, ApplicationStatus

_BY_OTHERS = "Requires an owner or admin"


class Step(msgspec.Struct, frozen=True):
    """One line of the list. `who` has to act next: "you" or "us"; `state` is shown where nothing can be pressed."""

    title: str
    words: str
    is_done: bool
    path: str = ""
    label: str = ""
    action: str = ""
    """Where one press is all, what that posts to."""
    who: str = "you"
    may_be_done: bool = True
    state: str = ""
    """We complete it, whoever has to act next."""


class Tasks(msgspec.Struct, frozen=True):
    steps: tuple[Step, ...]

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def is_finished(self) -> bool:
        return self.done == len(self.steps)

    @property
    def next(self) -> Step | None:
        """The first that is the customer's to do, or else the first that is not done."""
        undone = [step for step in self.steps if not step.is_done]
        theirs = [step for step in undone if step.who == "you" and step.path and step.may_be_done]
        return next(iter(theirs or undone), None)


def tasks_of(organization_id: UUID, *, organization_status: str, now: datetime, may_manage: bool = True) -> Tasks:
    """`may_manage`: whether whoever looks may give details, accept and apply."""
    accepted = {
        part.kind
        for part in acceptance_status(organization_id, now=now)
        if part.status in {AcceptanceStatus.SATISFIED, AcceptanceStatus.DUE}
    }
    is_accepted = len(accepted) == len(ACCEPTED_KINDS)
    has_profile = find_profile(organization_id) is not None
    application = applications.latest(organization_id)
    is_live = organization_status == OrganizationStatus.LIVE
    has_test_key = lookup.has_key(organization_id, KeyEnvironment.TEST)
    has_live_key = lookup.has_key(organization_id, KeyEnvironment.LIVE)
    return Tasks(
        steps=(
            Step("Confirm your email address", "This prevents others from signing up with your address.", is_done=True),
            Step(
                "Send your first test check",
                "Create a test key and send a check. No approval needed.",
                is_done=decisions.has_any(organization_id, KeyEnvironment.TEST),
                path="/try-it" if has_test_key else "/keys/new?environment=test",
                label="Try it" if has_test_key else "Create test key",
            ),
            Step(
                "Add your organization details",
                "The legal name and address for the agreement, and your contacts.",
                is_done=has_profile,
                path="/organization/details",
                label="Add details",
                may_be_done=may_manage,
                state=_BY_OTHERS,
            ),
            Step(
                "Accept the Terms of Service",
                (not is_accepted and _sent(organization_id, now=now))
                or "Someone authorized to sign for your organization accepts them. You can send them a link.",
                is_done=Kind.TERMS in accepted,
                path="/legal/accept",
                label="Review and accept",
                may_be_done=has_profile and may_manage,
                state="After organization details" if may_manage else _BY_OTHERS,
            ),
            Step(
                "Accept the Data Processing Agreement",
                "It defines how we process personal data on your behalf.",
                is_done=Kind.DPA in accepted,
                path="/legal/accept",
                label="Review and accept",
                may_be_done=has_profile and may_manage,
                state="After organization details" if may_manage else _BY_OTHERS,
            ),
            _approval(
                application,
                is_live=is_live,
                may_send=may_manage and has_profile and is_accepted,
            ),
            Step(
                "Create a live key",
                "For your production software. The key is shown once.",
                is_done=has_live_key,
                path="/keys/new?environment=live",
                label="Create live key",
                may_be_done=is_live,
                state="After approval",
            ),
            Step(
                "Send your first live check",
                "The decision appears here and in the decision log as soon as your software sends a check.",
                is_done=has_live_key and decisions.has_any(organization_id, KeyEnvironment.LIVE),
                path="/decisions",
                label="Open decision log",
                may_be_done=has_live_key,
                state="After live key",
            ),
        )
    )


def _sent(organization_id: UUID, *, now: datetime) -> str:
    """Of the link that was sent last and is still open."""
    link = next(iter(delegations.pending(organization_id, now=now)), None)
    return f"We sent a link to {link.email}. It is open until {utc(link.expires_at, 'day')}." if link else ""


def _looking(application: Application | None) -> str:
    if application is None or application.due_at is None:
        return "Your approval request is under review."
    return f"Your approval request is under review. We will decide by {utc(application.due_at)}."


def _approval(application: Application | None, *, is_live: bool, may_send: bool) -> Step:
    title = "Get approved"
    if is_live:
        return Step(title, "Your organization is approved.", is_done=True)
    status = ApplicationStatus(application.status) if application else ApplicationStatus.DRAFT
    if status is ApplicationStatus.SUBMITTED:
        return Step(
            title,
            _looking(application),
            is_done=False,
            path="/application",
            who="us",
            state=LABELS[status],
        )
    if status is ApplicationStatus.INFORMATION_REQUESTED:
        return Step(
            title,
            "We have a question about your approval request.",
            is_done=False,
            path="/application",
            label="Answer",
        )
    if status is ApplicationStatus.DEFERRED:
        return Step(
            title,
            "We have postponed the decision.",
            is_done=False,
            path="/application",
            label="See why",
        )
    if status is ApplicationStatus.DECLINED:
        return Step(title, "We declined your last request.", is_done=False, path="/application", label="See why")
    words = (
        "We review every organization before its first live key. We decide within two business days of your request."
    )
    return Step(
        title,
        words,
        is_done=False,
        path="/application",
        label="Request approval",
        action="/application/submit",
        may_be_done=may_send,
        state="After the documents are accepted",
    )
