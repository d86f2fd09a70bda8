"""From a form to an acceptance: what was shown, what was ticked, and by whom. The sentences are never the form's."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from flask import g, request
from sqlalchemy import select
from wtforms import BooleanField

from core.access import ROLES_OF, Audience, address, current_user_or_none
from core.accounts import Organization, OrganizationStatus
from core.db import db
from core.members import Membership
from core.pages import style_version
from core.profiles import OrganizationProfile, find_profile
from core.scope import needs_system_scope
from legal_docs.acceptances import view_log
from legal_docs.acceptances.delegations import LinkUnusable, find_delegation
from legal_docs.acceptances.models import LegalDelegation
from legal_docs.acceptances.schema import SeenDocument, Statement
from legal_docs.acceptances.status import acceptance_status
from legal_docs.acceptances.view_log import ViewKind
from legal_docs.acceptances.wording import Wording, wording_for
from legal_docs.documents.html import Page, to_page
from legal_docs.documents.kinds import ACCEPTED_KINDS, Kind
from legal_docs.documents.models import LegalVersion
from portal.customer.documents.forms import AcceptForm


class Contract(msgspec.Struct, frozen=True):
    """What an organization has not accepted yet, with its details on the cover and our sentences beside the boxes."""

    profile: OrganizationProfile
    versions: Sequence[LegalVersion]

    @property
    def wording(self) -> Wording:
        return wording_for(self.versions, legal_name=self.profile.legal_name)

    @property
    def parts(self) -> list[tuple[LegalVersion, Page, str]]:
        """Each version with its text as HTML and the sentence beside its box."""
        boxes = self.wording.checkboxes
        return [(version, to_page(version.markdown), box) for version, box in zip(self.versions, boxes, strict=True)]

    def declarations(self, form: AcceptForm) -> list[tuple[BooleanField, str]]:
        """The boxes beside those of the documents, with their sentences."""
        boxes = (*form.acknowledgements, form.authority)
        return list(zip(boxes, (*self.wording.acknowledgements, self.wording.authority), strict=True))


def contract_for(organization_id: UUID, *, now: datetime) -> Contract | None:
    """None as long as the organization has not given its details."""
    profile = find_profile(organization_id)
    if profile is None:
        return None
    parts = acceptance_status(organization_id, now=now)
    return Contract(profile, [part.to_accept for part in parts if part.to_accept is not None])


@needs_system_scope
def usable_link(token: str, *, now: datetime) -> LegalDelegation:
    """Raises LinkUnusable; it is void, too, when its organization is closed or its sender may accept no more."""
    delegation = find_delegation(token, now=now)
    status = db.session.scalar(select(Organization.status).where(Organization.id == delegation.organization_id))
    sender = db.session.get(Membership, (delegation.organization_id, delegation.created_by))
    may = sender is not None and sender.role in ROLES_OF[Audience.ADMIN]
    if not may or status == OrganizationStatus.CLOSED:
        raise LinkUnusable
    return delegation


def note_display(
    organization_id: UUID,
    versions: Sequence[LegalVersion],
    *,
    now: datetime,
    user_id: UUID | None = None,
    delegation_id: UUID | None = None,
) -> None:
    for version in versions:
        view_log.note(
            organization_id, version, ViewKind.DISPLAYED, user_id=user_id, delegation_id=delegation_id, now=now
        )


def seen_documents() -> list[SeenDocument]:
    """What the page showed, from its hidden fields: kind, number and hash of each ticked document."""
    found = []
    for kind in ACCEPTED_KINDS:
        number, sha256 = request.form.get(f"{kind}_number"), request.form.get(f"{kind}_sha256")
        if request.form.get(f"{kind}_agreed") == "yes" and number and sha256:
            found.append(SeenDocument(kind=kind, number=number, sha256=sha256))
    return found


def is_complete(form: AcceptForm, versions: Sequence[LegalVersion]) -> bool:
    """Whether the form is filled in and every box is ticked; all that is missing is told at once."""
    is_filled_in = form.validate()
    if {document.kind for document in seen_documents()} == {Kind(version.kind) for version in versions}:
        return bool(is_filled_in)
    form.form_errors.append("Select the checkbox of each document you accept.")
    return False


def statement_from(
    form: AcceptForm, *, wording: Wording, email: str, email_confirmed_at: datetime | None = None
) -> Statement:
    """The sentences are ours, as they were shown; the form only says which were ticked."""
    who = current_user_or_none()
    agent = request.headers.get("User-Agent", "")[:500]
    return Statement(
        name=form.name.data,
        title=form.title.data,
        authority=wording.authority if form.authority.data else "",
        checkbox_texts=wording.checkboxes,
        acknowledgements=tuple(
            text for box, text in zip(form.acknowledgements, wording.acknowledgements, strict=True) if box.data
        ),
        button_text=wording.button,
        email=email,
        user_id=who.user_id if who else None,
        email_confirmed_at=email_confirmed_at,
        network_address=address(),
        user_agent=agent,
        request_id=g.request_id,
        session_id=str(who.session_id) if who else "",
        auth_method=who.method.value if who else "link",
        screen=style_version(),
    )
