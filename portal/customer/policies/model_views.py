"""The page about models: those in use, what is known of each, and what an organization says itself."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from flask import render_template, request

from api.decisions.models_in_use import ModelInUse, models_in
from api.model_catalogue.derivation import Completion, KnownModel
from api.model_catalogue.entries import LATEST, CatalogueVersion, catalogue_of
from api.vocabulary import normal_model
from core.access import Audience, active_membership, open_to
from core.clock import utc_now
from core.errors import InvalidRequest, NotFound
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import MOST_CHANGES
from portal.customer.policies.editing_views import EditedPolicies, EditingPages, edited_policies
from portal.customer.policies.model_forms import CatalogueForm, OwnModelForm

PART = "models"

bp = EditingPages("policy_models", __name__, part=PART)

IN_USE_OVER = timedelta(days=30)
MAKERS = {
    "allen_ai": "Allen Institute for AI",
    "baai": "BAAI",
    "meta": "Meta",
    "nomic": "Nomic AI",
    "sentence_transformers": "Sentence Transformers",
    "swiss_ai": "Swiss AI",
    "tii": "Technology Innovation Institute",
}
"""Of open weights, who run no models for others."""


class ModelLine(msgspec.Struct, frozen=True):
    """One model in use, beside what is known of it."""

    use: ModelInUse
    known: KnownModel


@bp.get("")
@open_to(Audience.VIEWER)
def index(draft_id: UUID | None = None) -> ViewResponse:
    edited = edited_policies(draft_id)
    return _page(edited, CatalogueForm.of(edited.document))


@bp.post("/catalogue")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def update_catalogue(draft_id: UUID | None = None) -> ViewResponse:
    edited, form = edited_policies(draft_id), CatalogueForm()
    if form.validate():
        return edited.save(form.values(), title="Model catalogue", part=PART)
    return _page(edited, form, status=422)


@bp.get("/own")
@open_to(Audience.DEVELOPER)
def edit_own(draft_id: UUID | None = None) -> ViewResponse:
    """The entry of a model, or a new one for it."""
    edited, model = edited_policies(draft_id), request.args.get("model", "")
    own = edited.document.own_models
    entry = next((one for one in own if normal_model(one.model) == normal_model(model)), None)
    return _own_page(edited, OwnModelForm.of(model, entry), original=entry.model if entry else "")


@bp.post("/own")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def save_own(draft_id: UUID | None = None) -> ViewResponse:
    edited, form, original = edited_policies(draft_id), OwnModelForm(), request.form.get("original", "")
    if form.validate():
        entries = [*_without(edited, original), form.value()]
        try:
            return edited.save({"own_models": entries}, title=f"Model {form.model.data}", part=PART)
        except InvalidRequest as refused:
            _blame(form, refused)
    return _own_page(edited, form, original=original, status=422)


@bp.post("/own/remove")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER)
def remove_own(draft_id: UUID | None = None) -> ViewResponse:
    edited, model = edited_policies(draft_id), request.form.get("model", "")
    kept = _without(edited, model)
    if len(kept) == len(edited.document.own_models):
        raise NotFound("Model not found. It may have been removed.")
    return edited.save({"own_models": kept}, title=f"Remove {model}", part=PART)


def _without(edited: EditedPolicies, model: str) -> list[Any]:
    return [msgspec.to_builtins(one) for one in edited.document.own_models if one.model != model]


def _blame(form: OwnModelForm, refused: InvalidRequest) -> None:
    """`own_models[3].family` is the field family."""
    form.blame(msgspec.structs.replace(fault, path=fault.path.rpartition(".")[2]) for fault in refused.errors)


def _own_page(edited: EditedPolicies, form: OwnModelForm, *, original: str, status: int = 200) -> ViewResponse:
    page = render_template("portal/customer/policies/own_model.html", edited=edited, form=form, original=original)
    return page, status


def _page(edited: EditedPolicies, form: CatalogueForm, *, status: int = 200) -> ViewResponse:
    document = edited.document
    version = document.model_catalogue or LATEST
    completion = Completion(CatalogueVersion(version), document.own_models, document.on_contradiction)
    in_use = models_in(active_membership().organization_id, since=utc_now() - IN_USE_OVER)
    page = render_template(
        "portal/customer/policies/models.html",
        edited=edited,
        form=form,
        lines=[ModelLine(use, completion.known(use.model)) for use in in_use],
        catalogue=catalogue_of(CatalogueVersion(version)),
        silent=sum(use.silent for use in in_use),
        decisions=sum(use.decisions for use in in_use),
        makers=MAKERS,
        today=utc_now().date().isoformat(),
    )
    return page, status
