"""Deleting a key that has ended: alone, or with every decision that was made with it."""

from uuid import UUID

from flask import flash, render_template

from api.decisions import key_erasure
from api.keys import deletion, lookup
from api.keys.models import ApiKey
from core import names
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.ids import public_id
from core.views import ViewResponse
from portal.customer.keys import certificates
from portal.customer.keys.forms import DeleteForm
from portal.customer.organization import services as organizations

bp = Pages("key_deletion", __name__, url_prefix="/keys")


@bp.get("/<uuid:key_id>/delete")
@open_to(Audience.DEVELOPER, fresh=True, while_inactive=True)
def ask(key_id: UUID) -> ViewResponse:
    return _page(_ended(key_id), DeleteForm(formdata=None))


@bp.post("/<uuid:key_id>/delete")
@open_to(Audience.DEVELOPER, fresh=True, while_inactive=True)
def delete(key_id: UUID) -> ViewResponse:
    """The decisions stay until their retention period ends."""
    key, form = _ended(key_id), DeleteForm()
    if not _is_confirmed(form, key):
        return _page(key, form, status=422)
    with transaction():
        deletion.delete_key(active_membership().organization_id, key_id, by=actor(), now=utc_now())
    flash("API key deleted. Its decisions stay in the decision log until their retention period ends.")
    return see_other("/keys")


@bp.post("/<uuid:key_id>/erase")
@open_to(Audience.ADMIN, fresh=True, while_inactive=True)
def erase(key_id: UUID) -> ViewResponse:
    """With its decisions; owners get a certificate."""
    key, form = _ended(key_id), DeleteForm()
    if not _is_confirmed(form, key):
        return _page(key, form, status=422)
    with transaction():
        certificate = certificates.erase_with_certificate(
            organizations.find(active_membership().organization_id), key, by=actor(), now=utc_now()
        )
    flash(f"Erased the API key and {certificate.decisions:,} decisions. We emailed the owners a certificate.")
    return see_other("/keys")


def _ended(key_id: UUID) -> ApiKey:
    """Raises NotFound, or KeyStillActive."""
    key = lookup.find(active_membership().organization_id, key_id)
    if key.is_live_at(utc_now()):
        raise deletion.KeyStillActive
    return key


def _is_confirmed(form: DeleteForm, key: ApiKey) -> bool:
    shown = public_id("key", key.id)
    if form.validate() and not names.is_typed(form.typed.data, key.name, otherwise=shown):
        form.typed.errors = [f"Type {names.typable(key.name, otherwise=shown)} exactly as shown."]
    return not form.errors


def _page(key: ApiKey, form: DeleteForm, *, status: int = 200) -> ViewResponse:
    page = render_template(
        "portal/customer/keys/delete.html",
        key=key,
        form=form,
        to_type=names.typable(key.name, otherwise=public_id("key", key.id)),
        decisions=key_erasure.count_of(key.organization_id, key.id),
        retention_days=organizations.find(key.organization_id).retention_days,
        may_erase=may(Audience.ADMIN, while_inactive=True),
    )
    return page, status
