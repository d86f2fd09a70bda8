"""Audits that customers asked for: confirming, declining, and what was found."""

from uuid import UUID

from flask import flash, render_template

from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.views import ViewResponse
from legal_docs.audits import services as audits
from legal_docs.audits.states import CAUSE_NAMES, KIND_NAMES, STATUS_NAMES
from portal.console import lifecycle
from portal.console.audit_forms import ConfirmForm, WordsForm

bp = Pages("console_audits", __name__, url_prefix="/console/audits")

_NAMES = {"kinds": KIND_NAMES, "causes": CAUSE_NAMES, "statuses": STATUS_NAMES}


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    every = audits.every_audit()
    return render_template(
        "portal/console/audits.html",
        audits=every,
        organizations={one.organization_id: lifecycle.find(one.organization_id) for one in every},
        root="/console/audits",
        **_NAMES,
    )


@bp.get("/<uuid:audit_id>")
@open_to(Audience.OPERATOR)
def show(audit_id: UUID) -> ViewResponse:
    found = audits.find_any(audit_id)
    return _page(audit_id, ConfirmForm(formdata=None, starts_on=found.starts_on, ends_on=found.ends_on))


@bp.post("/<uuid:audit_id>/confirm")
@open_to(Audience.OPERATOR, fresh=True)
def confirm(audit_id: UUID) -> ViewResponse:
    form = ConfirmForm()
    if not form.validate():
        return _page(audit_id, form, status=422)
    try:
        with transaction():
            audits.confirm(
                audit_id,
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                answer=form.words.data,
                by=operator(),
                now=utc_now(),
            )
    except InvalidRequest as refused:
        form.blame(refused.errors)
        return _page(audit_id, form, status=422)
    flash("Audit confirmed. We emailed the customer.")
    return see_other("/console/audits")


@bp.post("/<uuid:audit_id>/decline")
@open_to(Audience.OPERATOR, fresh=True)
def decline(audit_id: UUID) -> ViewResponse:
    words = _words("Enter a reason. The customer sees it.")
    with transaction():
        audits.decline(audit_id, answer=words, by=operator(), now=utc_now())
    flash("Audit declined. We emailed the customer.")
    return see_other("/console/audits")


@bp.post("/<uuid:audit_id>/complete")
@open_to(Audience.OPERATOR, fresh=True)
def complete(audit_id: UUID) -> ViewResponse:
    words = _words("Enter the findings, and when each will be fixed.")
    with transaction():
        audits.complete(audit_id, findings=words, by=operator(), now=utc_now())
    flash("Audit completed. We emailed the customer.")
    return see_other("/console/audits")


def _words(missing: str) -> str:
    """Raises InvalidRequest."""
    form = WordsForm()
    if not form.validate():
        raise InvalidRequest(missing)
    return str(form.words.data)


def _page(audit_id: UUID, form: ConfirmForm, *, status: int = 200) -> ViewResponse:
    found = audits.find_any(audit_id)
    page = render_template(
        "portal/console/audit.html",
        audit=found,
        organization=lifecycle.find(found.organization_id),
        form=form,
        words_form=WordsForm(formdata=None),
        **_NAMES,
    )
    return page, status
