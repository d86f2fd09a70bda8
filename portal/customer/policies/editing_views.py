"""Pages on which a part of the policies is edited: of the active ones under `/policies`, of a draft beneath the draft.

A change of the active policies is shown with its effect before it is published. One of a draft is saved at once, and
names the revision that its author saw.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from flask import flash, request

from api.policies.document import PolicyDocument
from api.policies.drafts import services as drafts
from api.policies.drafts.errors import DraftChanged
from core.access import Audience, Pages, active_membership, actor, may
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.views import ViewResponse
from portal.customer.policies.comparing import in_force
from portal.customer.policies.forms import SeenVersionForm
from portal.customer.policies.proposal_views import proposal_page

_PLACES = ("/policies", "/policies/drafts/<uuid:draft_id>")


class EditingPages(Pages):
    """Each page once for the active policies, and once beneath each draft, whose id its view is given."""

    def __init__(self, name: str, import_name: str, *, part: str) -> None:
        super().__init__(name, import_name)
        self.part = part

    def add_url_rule(self, rule: str, *arguments: Any, **options: Any) -> None:
        for place in _PLACES:
            super().add_url_rule(f"{place}/{self.part}{rule}", *arguments, **options)


class EditedPolicies(msgspec.Struct, frozen=True):
    document: PolicyDocument
    place: str = "/policies"
    draft: drafts.Draft | None = None

    @property
    def may_change(self) -> bool:
        return may(Audience.DEVELOPER) and (self.draft is None or self.draft.is_open)

    @property
    def seen(self) -> str:
        """The revision of the draft that the person saw, also in a form that is shown once more."""
        return request.form.get("version") or str(self.draft.revision if self.draft else "")

    def save(self, values: Mapping[str, Any], *, title: str, part: str) -> ViewResponse:
        """Raises InvalidRequest, and of a draft DraftChanged or DraftClosed."""
        path = f"{self.place}/{part}"
        if self.draft is None:
            return proposal_page(values, title=title, back=path)
        form = SeenVersionForm()
        if not form.validate():
            raise DraftChanged
        with transaction():
            drafts.change(
                active_membership().organization_id,
                self.draft,
                values,
                expected_revision=form.version.data,
                by=actor(),
                now=utc_now(),
            )
        flash("Draft saved.")
        return see_other(path)


def edited_policies(draft_id: UUID | None) -> EditedPolicies:
    """The active ones, or those of a draft. Raises NotFound."""
    if draft_id is None:
        return EditedPolicies(in_force())
    draft = drafts.find(active_membership().organization_id, draft_id)
    return EditedPolicies(draft.document, f"/policies/drafts/{draft.id}", draft)
