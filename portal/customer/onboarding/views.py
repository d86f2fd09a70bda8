"""The task list of a new customer, the checklist before going live, and the choice of a theme."""

from uuid import UUID

from flask import render_template, request

from api.keys import lookup
from core.access import Audience, Pages, active_membership, actor, may, open_to, safe_path
from core.clock import utc_now
from core.db import transaction
from core.htmx import page_or_block, see_other, wants_block
from core.pages import THEME_COOKIE, THEMES
from core.views import ViewResponse
from legal_docs.acceptances.status import acceptance_status
from portal.customer.onboarding import checklist
from portal.customer.onboarding.first_check import first_decision, is_followed
from portal.customer.onboarding.tasks import Tasks, tasks_of
from portal.customer.organization import services as organizations

bp = Pages("start", __name__)

_YEAR_S = 31_536_000


@bp.get("/start")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return page_or_block("portal/customer/onboarding/index.html", "tasks", tasks=_tasks())


@bp.get("/start/first-check/<uuid:key_id>")
@open_to(Audience.VIEWER)
def first_check(key_id: UUID) -> ViewResponse:
    """Asked again and again by the page that shows a new key, until its first decision is there."""
    key = lookup.find(active_membership().organization_id, key_id)
    secret = organizations.find(key.organization_id).subject_secret
    return page_or_block(
        "portal/customer/onboarding/first_check.html",
        "check",
        key=key,
        decision=first_decision(key, subject_secret=secret),
        is_followed=is_followed(key, now=utc_now()),
        tasks=_tasks(),
    )


@bp.get("/legal/accepted")
@open_to(Audience.ADMIN)
def accepted() -> ViewResponse:
    """After the documents were accepted: what is next, and where the evidence is."""
    parts = acceptance_status(active_membership().organization_id, now=utc_now())
    given = [part.accepted for part in parts if part.accepted is not None]
    if not given:
        return see_other("/documents")
    return render_template("portal/customer/onboarding/accepted.html", acceptances=given, tasks=_tasks())


@bp.get("/checklist")
@open_to(Audience.VIEWER)
def checklist_page() -> ViewResponse:
    lines = checklist.lines_of(active_membership().organization_id)
    return page_or_block(
        "portal/customer/onboarding/checklist.html",
        "checklist",
        groups=lines,
        done=sum(line.is_done for items in lines.values() for line in items),
        total=sum(map(len, lines.values())),
        may_change=may(Audience.DEVELOPER),
    )


@bp.post("/checklist/<code>")
@open_to(Audience.DEVELOPER)
def tick(code: str) -> ViewResponse:
    with transaction():
        checklist.tick(
            active_membership().organization_id,
            code,
            is_done=request.form.get("done") == "yes",
            by=actor(),
            now=utc_now(),
        )
    return checklist_page() if wants_block() else see_other("/checklist")


def _tasks() -> Tasks:
    return tasks_of(
        active_membership().organization_id,
        organization_status=active_membership().status,
        now=utc_now(),
        may_manage=may(Audience.ADMIN),
    )


@bp.post("/theme")
@open_to(Audience.ANYBODY)
def choose_theme() -> ViewResponse:
    wanted = request.form.get("theme", "auto")
    answer = see_other(safe_path(request.form.get("back")))
    if wanted in THEMES:
        answer.set_cookie(THEME_COOKIE, wanted, max_age=_YEAR_S, samesite="Lax", secure=request.is_secure)
    return answer
