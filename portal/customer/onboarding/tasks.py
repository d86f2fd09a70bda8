"""What is done, what is next and who has to act, worked out from the facts each time it is asked."""

from datetime import datetime
from uuid import UUID

import msgspec

from api.decisions import services as decisions
from api.keys import lookup
from api.keys.token import KeyEnvironment
from core.accounts import OrganizationStatus
from core.pages import utc
from core.profiles import find_profile
from legal_docs.acceptances.status import AcceptanceStatus, acceptance_status
from legal_docs.documents.kinds import ACCEPTED_KINDS, Kind
from portal.customer.applications import services as applications
from portal.customer.applications.models import Application
from portal.customer.applications.states import LABELS, ApplicationStatus

_BY_OTHERS = "An owner or admin does it"


class Step(msgspec.Struct, frozen=True):
    """One line of the list. `who` is "you" or "us"; `state` is shown where nothing can be pressed."""

    title: str
    words: str
    is_done: bool
    path: str = ""
    label: str = ""
    who: str = "you"
    may_be_done: bool = True
    state: str = ""


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
    has_profile = find_profile(organization_id) is not None
    application = applications.latest(organization_id)
    is_live = organization_status == OrganizationStatus.LIVE
    has_test_key = lookup.has_key(organization_id, KeyEnvironment.TEST)
    has_live_key = lookup.has_key(organization_id, KeyEnvironment.LIVE)
    return Tasks(
        steps=(
            Step("Confirm your address", "So that nobody signs up in your name.", is_done=True),
            Step(
                "Make a first test decision",
                "Make a test key and ask your first question, with curl, Python or JavaScript. No approval is needed.",
                is_done=decisions.has_any(organization_id, KeyEnvironment.TEST),
                path="/try-it" if has_test_key else "/keys/new?environment=test",
                label="Try it" if has_test_key else "Make a test key",
            ),
            Step(
                "Give your organization's details",
                "The legal name and address for the contract, and whom we may write to.",
                is_done=has_profile,
                path="/organization/details",
                label="Give details",
                may_be_done=may_manage,
                state=_BY_OTHERS,
            ),
            Step(
                "Accept the Terms of Service",
                "By somebody who may sign for your organization. You can send a link to that person.",
                is_done=Kind.TERMS in accepted,
                path="/legal/accept",
                label="Read and accept",
                may_be_done=has_profile and may_manage,
                state="After the details" if may_manage else _BY_OTHERS,
            ),
            Step(
                "Accept the Data Processing Agreement",
                "What we may do with personal data on your behalf, and what we may not.",
                is_done=Kind.DPA in accepted,
                path="/legal/accept",
                label="Read and accept",
                may_be_done=has_profile and may_manage,
                state="After the details" if may_manage else _BY_OTHERS,
            ),
            _approval(
                application,
                is_live=is_live,
                may_send=may_manage and has_profile and len(accepted) == len(ACCEPTED_KINDS),
            ),
            Step(
                "Make a live key",
                "For your production software. Its secret is shown once.",
                is_done=has_live_key,
                path="/keys/new?environment=live",
                label="Make a live key",
                may_be_done=is_live,
                state="After the approval",
            ),
            Step(
                "See the first live decision",
                "It shows here and in the log as soon as your software asks.",
                is_done=has_live_key and decisions.has_any(organization_id, KeyEnvironment.LIVE),
                path="/decisions",
                label="Open the log",
                may_be_done=has_live_key,
                state="After the live key",
            ),
        )
    )


def _looking(application: Application | None) -> str:
    if application is None or application.due_at is None:
        return "We are looking at your application."
    return f"We are looking at your application, and decide by {utc(application.due_at)}."


def _approval(application: Application | None, *, is_live: bool, may_send: bool) -> Step:
    title = "Be approved"
    if is_live:
        return Step(title, "Your organization is approved.", is_done=True)
    status = ApplicationStatus(application.status) if application else ApplicationStatus.DRAFT
    if status in {ApplicationStatus.SUBMITTED, ApplicationStatus.DEFERRED}:
        return Step(
            title,
            _looking(application),
            is_done=False,
            path="/application",
            who="us",
            state=LABELS[status],
        )
    if status is ApplicationStatus.INFORMATION_REQUESTED:
        return Step(title, "We asked you something.", is_done=False, path="/application", label="Answer")
    words = "We look at every organization before its first live key, within two working days."
    return Step(
        title,
        words,
        is_done=False,
        path="/application",
        label="Send the application",
        may_be_done=may_send,
        state="After the documents",
    )
