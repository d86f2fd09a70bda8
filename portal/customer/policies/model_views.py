"""The page about models: those in use, what is known of each, and what an organization says itself."""

from datetime import timedelta
from typing import Any

import msgspec
from flask import render_template, request

from api.decisions.models_in_use import ModelInUse, models_in
from api.model_catalogue.derivation import Completion, KnownModel
from api.model_catalogue.entries import LATEST, CatalogueVersion, catalogue_of
from api.vocabulary import normal_model
from core.access import Audience, Pages, active_membership, may, open_to
from core.clock import utc_now
from core.errors import InvalidRequest, NotFound
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES, in_force
from portal.customer.policies.model_forms import CatalogueForm, OwnModelForm
from portal.customer.policies.proposal_views import proposal_page

bp = Pages("policy_models", __name__, url_prefix="/policies/models")

BACK = "/policies/models"
IN_USE_OVER = timedelta(days=30)


class ModelLine(msgspec.Struct, frozen=True):
    """One model in use, beside what is known of it."""

    use: ModelInUse
    known: KnownModel


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return _page(CatalogueForm.of(in_force()))


@bp.post("/catalogue")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def preview_catalogue() -> ViewResponse:
    form = CatalogueForm()
    if form.validate():
        return proposal_page(form.values(), title="Model catalogue", back=BACK)
    return _page(form, status=422)


@bp.get("/own")
@open_to(Audience.DEVELOPER)
def edit_own() -> ViewResponse:
    """The entry of a model, or a new one for it."""
    model = request.args.get("model", "")
    entry = next((one for one in in_force().own_models if normal_model(one.model) == normal_model(model)), None)
    return _own_page(OwnModelForm.of(model, entry), original=entry.model if entry else "")


@bp.post("/own")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def preview_own() -> ViewResponse:
    form, original = OwnModelForm(), request.form.get("original", "")
    if form.validate():
        entries = [msgspec.to_builtins(one) for one in in_force().own_models if one.model != original]
        try:
            return proposal_page({"own_models": [*entries, form.value()]}, title=f"Model {form.model.data}", back=BACK)
        except InvalidRequest as refused:
            _blame(form, refused)
    return _own_page(form, original=original, status=422)


@bp.post("/own/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def preview_removal() -> ViewResponse:
    model, own = request.form.get("model", ""), in_force().own_models
    kept = [msgspec.to_builtins(one) for one in own if one.model != model]
    if len(kept) == len(own):
        raise NotFound("Model not found. It may have been removed.")
    return proposal_page({"own_models": kept}, title=f"Remove {model}", back=BACK)


def _blame(form: OwnModelForm, refused: InvalidRequest) -> None:
    """`own_models[3].family` is the field family."""
    form.blame(msgspec.structs.replace(fault, path=fault.path.rpartition(".")[2]) for fault in refused.errors)


def _own_page(form: OwnModelForm, *, original: str, status: int = 200) -> ViewResponse:
    return render_template("portal/customer/policies/own_model.html", form=form, original=original), status


def _page(form: CatalogueForm, *, status: int = 200) -> ViewResponse:
    document = in_force()
    version = document.model_catalogue or LATEST
    completion = Completion(CatalogueVersion(version), document.own_models, document.on_contradiction)
    in_use = models_in(active_membership().organization_id, since=utc_now() - IN_USE_OVER)
    page: dict[str, Any] = {
        "lines": [ModelLine(use, completion.known(use.model)) for use in in_use],
        "catalogue": catalogue_of(CatalogueVersion(version)),
        "silent": sum(use.silent for use in in_use),
        "decisions": sum(use.decisions for use in in_use),
    }
    return (
        render_template(
            "portal/customer/policies/models.html",
            form=form,
            document=document,
            today=utc_now().date().isoformat(),
            may_change=may(Audience.DEVELOPER),
            **page,
        ),
        status,
    )
