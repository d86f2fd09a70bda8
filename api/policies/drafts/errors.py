"""Why a draft was not changed or published."""

from http import HTTPStatus

from core.errors import AppError

MOST_OPEN = 50


class DraftChanged(AppError):
    status, code, title = HTTPStatus.CONFLICT, "draft_changed", "Someone else changed this draft"
    advice = "Read the current draft, then make your change again."


class DraftClosed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "draft_closed", "This draft is no longer open"
    advice = "It was published or discarded. Create a new draft."


class DraftOutdated(AppError):
    status, code, title = HTTPStatus.CONFLICT, "draft_outdated", "Other policies were published in the meantime"
    advice = "Rebase the draft onto the active version in the portal, review it again, then publish it."


class DraftUnchanged(AppError):
    status, code, title = HTTPStatus.CONFLICT, "draft_unchanged", "This draft changes nothing"
    advice = "It matches the active policies. Change it before you publish it."


class TooManyDrafts(AppError):
    status, code, title = HTTPStatus.CONFLICT, "too_many_drafts", "There are too many open drafts"
    advice = f"Publish or discard some of them in the portal. An organization can have {MOST_OPEN} open drafts."
