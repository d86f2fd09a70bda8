"""How long it is kept that somebody was written to: for its time, or for as long as it proves something."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete

from core.db import rows_changed
from core.mail import MailMessage
from core.scope import needs_system_scope

FindProofs = Callable[[], Select[Any]]

_finders_of_proofs: list[FindProofs] = []


def proves_something(find: FindProofs) -> FindProofs:
    """Marks a query for the ids of mails that a room's own records name, none of them null: those mails stay."""
    _finders_of_proofs.append(find)
    return find


@needs_system_scope
def forget_written(*, before: datetime) -> int:
    """Deletes that somebody was written to, unless it proves something; how many."""
    return _forget(MailMessage.created_at < before)


def forget_written_for(organization_id: UUID) -> int:
    """The same for all mails of one organization, when its account ends; what was not sent yet stays unsent."""
    return _forget(MailMessage.organization_id == organization_id)


def _forget(condition: ColumnElement[bool]) -> int:
    is_no_proof = (MailMessage.id.not_in(find()) for find in _finders_of_proofs)
    return rows_changed(delete(MailMessage).where(condition, *is_no_proof))
