"""Taking the data out, and erasing what is known of one person."""

from flask import flash, render_template

from api.decisions import retention as retention_service
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.files import leaves_with_body, streamed
from core.formats import counted
from core.htmx import see_other
from core.throttle import per_address
from core.views import ViewResponse
from legal_docs import figures
from portal.customer.offboarding import data_export
from portal.customer.organization import services
from portal.customer.organization.forms import EraseForm

bp = Pages("data", __name__)


@bp.get("/organization/data")
@open_to(Audience.ADMIN)
def data() -> ViewResponse:
    return render_template(
        "portal/customer/organization/data.html",
        organization=services.find(active_membership().organization_id),
        erase_form=EraseForm(formdata=None),
    )


@bp.post("/organization/data")
@per_address("10 per hour")
@open_to(Audience.ADMIN, fresh=True, while_inactive=True)
def download() -> ViewResponse:
    """Everything as one ZIP, made while it is sent."""
    organization_id, slug = active_membership().organization_id, active_membership().slug
    if leaves_with_body():
        with transaction():
            data_export.note_download(organization_id, by=actor(), now=utc_now())

    return streamed(
        organization_id,
        lambda: data_export.pieces(organization_id, now=utc_now()),
        content_type="application/zip",
        file_name=f"{slug}.zip",
    )


@bp.post("/organization/data/erase")
@open_to(Audience.ADMIN, fresh=True, while_inactive=True)
def erase() -> ViewResponse:
    """Deletes every decision about one person, by the pseudonym that the customer sends."""
    form = EraseForm()
    organization = services.find(active_membership().organization_id)
    if form.validate():
        with transaction():
            erased = retention_service.erase_subject(organization, form.subject.data, by=actor(), now=utc_now())
        if erased:
            flash(
                f"Erased {counted(erased, 'decision')} about this subject. "
                f"Backup copies are deleted within another {figures.BACKUP_DAYS} days."
            )
            return see_other("/organization/data")
        form.subject.errors = ["There are no decisions about this subject. Check the pseudonym."]
    return render_template("portal/customer/organization/data.html", organization=organization, erase_form=form), 422
