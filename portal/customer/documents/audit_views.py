"""Booking an audit of us, and following it."""

from uuid import UUID

from flask import flash, render_template

from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import AppError, InvalidRequest
from core.htmx import see_other
from core.ids import new_uuid
from core.throttle import per_person
from core.views import ViewResponse
from legal_docs import links
from legal_docs.audits import services as audits
from legal_docs.audits.states import CAUSE_NAMES, KIND_NAMES, STATUS_NAMES
from portal.customer.documents.audit_forms import AuditForm

bp = Pages("audits", __name__, url_prefix=links.AUDITS)

NAMES = {"kinds": KIND_NAMES, "causes": CAUSE_NAMES, "statuses": STATUS_NAMES}


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return render_template(
        "portal/customer/documents/audits.html",
        audits=audits.list_for(active_membership().organization_id),
        may_book=may(Audience.ADMIN, while_inactive=True),
        **NAMES,
    )


@bp.get("/new")
@open_to(Audience.ADMIN, while_inactive=True)
def new() -> ViewResponse:
    return _form_page(AuditForm(formdata=None, once=str(new_uuid())))


@bp.post("")
@per_person("20 per hour")
@open_to(Audience.ADMIN, while_inactive=True)
def create() -> ViewResponse:
    form = AuditForm()
    if not form.validate():
        return _form_page(form, status=422)
    try:
        with transaction():
            booked = audits.book(
                active_membership().organization_id, form.booking(), once=form.once_id(), by=actor(), now=utc_now()
            )
            path = links.audit(booked.id)
    except InvalidRequest as refused:
        form.blame(refused.errors)
    except AppError as refused:
        form.form_errors.append(f"{refused.title}. {refused.detail}")
        return _form_page(form, status=int(refused.status))
    else:
        flash("Audit requested. We reply by email and on this page.")
        return see_other(path)
    return _form_page(form, status=422)


@bp.get("/<uuid:audit_id>")
@open_to(Audience.VIEWER)
def show(audit_id: UUID) -> ViewResponse:
    return render_template(
        "portal/customer/documents/audit.html",
        audit=audits.find(active_membership().organization_id, audit_id),
        may_cancel=may(Audience.ADMIN, while_inactive=True),
        **NAMES,
    )


@bp.post("/<uuid:audit_id>/cancel")
@open_to(Audience.ADMIN, while_inactive=True)
def cancel(audit_id: UUID) -> ViewResponse:
    with transaction():
        audits.cancel(active_membership().organization_id, audit_id, by=actor(), now=utc_now())
    flash("Audit canceled.")
    return see_other(links.AUDITS)


def _form_page(form: AuditForm, *, status: int = 200) -> ViewResponse:
    return render_template("portal/customer/documents/audit_new.html", form=form), status
