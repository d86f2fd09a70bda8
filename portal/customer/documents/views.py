"""Accepting, receipts, the history, and answering changes of the register."""

from datetime import datetime
from uuid import UUID

from flask import Response, flash, render_template, request
from sqlalchemy import select

from core.access import Audience, Pages, active_membership, actor, current_user, may, open_to
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.members import User
from core.throttle import per_address
from core.views import ViewResponse
from legal_docs import figures
from legal_docs.acceptances import delegations, receipts
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.status import acceptance_status
from legal_docs.register import responses
from portal.customer.documents.forms import AcceptForm, DelegateForm, ResponseForm
from portal.customer.documents.signing import (
    contract_for,
    is_complete,
    note_display,
    seen_documents,
    statement_from,
    usable_link,
)

bp = Pages("documents", __name__)


@bp.get("/documents")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    now = utc_now()
    return render_template(
        "portal/customer/documents/index.html",
        standing=acceptance_status(active_membership().organization_id, now=now),
        history=acceptances.history(active_membership().organization_id),
        pending=delegations.pending(active_membership().organization_id, now=now),
        changes=responses.changes_for(active_membership().organization_id, now=now),
        may_accept=may(Audience.ADMIN, while_inactive=True),
    )


@bp.get("/legal/accept")
@open_to(Audience.ADMIN)
def new() -> ViewResponse:
    return _accept_page(AcceptForm(formdata=None, name=current_user().name), DelegateForm(formdata=None))


@bp.post("/legal/accept")
@open_to(Audience.ADMIN, while_inactive=True)
def create() -> ViewResponse:
    form, organization_id, now = AcceptForm(), active_membership().organization_id, utc_now()
    contract = contract_for(organization_id, now=now)
    if contract is None or not contract.versions:
        return see_other("/documents" if contract else "/organization/details")
    if is_complete(form, contract.versions):
        try:
            with transaction():
                acceptances.accept(
                    organization_id,
                    seen=seen_documents(),
                    statement=statement_from(
                        form, wording=contract.wording, email=current_user().email, email_confirmed_at=_confirmed_at()
                    ),
                    by=actor(),
                    now=now,
                )
        except acceptances.VersionSuperseded as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
            return _accept_page(form, DelegateForm(formdata=None), status=409)
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            return see_other("/legal/accepted")
    return _accept_page(form, DelegateForm(formdata=None), status=422)


@bp.post("/legal/accept/delegate")
@per_address("20 per hour")
@open_to(Audience.ADMIN, while_inactive=True)
def delegate() -> ViewResponse:
    """Sends the documents to the one who has the authority."""
    form = DelegateForm()
    if not form.validate():
        return _accept_page(AcceptForm(formdata=None, name=current_user().name), form, status=422)
    try:
        with transaction():
            delegations.delegate(
                active_membership().organization_id,
                email=form.email.data,
                sender_email=current_user().email,
                by=actor(),
                now=utc_now(),
            )
    except InvalidRequest as refused:
        form.blame(refused.errors)
        return _accept_page(AcceptForm(formdata=None, name=current_user().name), form, status=422)
    flash(f"We sent a link to {form.email.data}. It works for {figures.DELEGATION_DAYS} days, without an account.")
    return see_other("/documents")


@bp.get("/legal/sign/<token>")
@open_to(Audience.ANYBODY)
def show_link(token: str) -> ViewResponse:
    return _sign_page(token, AcceptForm(formdata=None))


@bp.post("/legal/sign/<token>")
@per_address("20 per hour")
@open_to(Audience.ANYBODY)
def sign(token: str) -> ViewResponse:
    """Accepts for the organization, by the person that the link was sent to."""
    form, now = AcceptForm(), utc_now()
    with acting_as_system():
        delegation = usable_link(token, now=now)
        email, contract = delegation.email, contract_for(delegation.organization_id, now=now)
    if contract is None:
        raise delegations.LinkUnusable
    if is_complete(form, contract.versions):
        try:
            with transaction():
                delegations.accept_by_link(
                    token,
                    seen=seen_documents(),
                    statement=statement_from(form, wording=contract.wording, email=email),
                    by=actor(),
                    now=now,
                )
        except acceptances.VersionSuperseded as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
            return _sign_page(token, form, status=409)
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            return render_template("portal/customer/documents/signed.html", email=email)
    return _sign_page(token, form, status=422)


@bp.get("/legal/acceptances/<uuid:acceptance_id>")
@open_to(Audience.VIEWER)
def receipt(acceptance_id: UUID) -> ViewResponse:
    found = acceptances.find(active_membership().organization_id, acceptance_id)
    return render_template("portal/customer/documents/receipt.html", receipt=receipts.receipt(found), acceptance=found)


@bp.get("/legal/acceptances/<uuid:acceptance_id>/pdf")
@open_to(Audience.VIEWER)
def receipt_pdf(acceptance_id: UUID) -> ViewResponse:
    found = acceptances.find(active_membership().organization_id, acceptance_id)
    name = f"{found.kind}-{found.number}-accepted.pdf"
    return Response(
        receipts.receipt_pdf(found),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@bp.post("/legal/sub-processors/<uuid:change_id>/respond")
@open_to(Audience.ADMIN, while_inactive=True)
def respond(change_id: UUID) -> ViewResponse:
    """Accept, ask or object; each button says which."""
    form = ResponseForm()
    try:
        kind = responses.ResponseKind(request.form.get("kind", ""))
    except ValueError:
        raise InvalidRequest("Choose Accept, Ask a question or Object.") from None
    with transaction():
        responses.respond(
            active_membership().organization_id,
            change_id,
            kind,
            reason=form.reason.data or "",
            by=actor(),
            now=utc_now(),
        )
    flash("Your response was sent.")
    return see_other("/legal/sub-processors")


def _accept_page(form: AcceptForm, delegate_form: DelegateForm, *, status: int = 200) -> ViewResponse:
    organization_id, now = active_membership().organization_id, utc_now()
    contract = contract_for(organization_id, now=now)
    if contract is None:
        return see_other("/organization/details")
    page = render_template(
        "portal/customer/documents/accept.html",
        form=form,
        delegate_form=delegate_form,
        contract=contract,
        standing=acceptance_status(organization_id, now=now),
        root="/legal",
    )
    with transaction():
        note_display(organization_id, contract.versions, user_id=current_user().user_id, now=now)
    return page, status


def _sign_page(token: str, form: AcceptForm, *, status: int = 200) -> ViewResponse:
    now = utc_now()
    with acting_as_system(), transaction():
        delegation = usable_link(token, now=now)
        contract = contract_for(delegation.organization_id, now=now)
        if contract is None:
            raise delegations.LinkUnusable
        page = render_template(
            "portal/customer/documents/sign.html",
            form=form,
            contract=contract,
            delegation=delegation,
            root=f"/legal/sign/{token}",
        )
        note_display(delegation.organization_id, contract.versions, delegation_id=delegation.id, now=now)
    return page, status


def _confirmed_at() -> datetime | None:
    """When the person's address was confirmed."""
    return db.session.scalar(select(User.email_confirmed_at).where(User.id == current_user().user_id))
