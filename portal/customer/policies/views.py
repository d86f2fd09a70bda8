"""The policies page. A change is shown with its effect on the last seven days before it is kept."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from flask import flash, render_template, request

from api.decisions import statistics, trials
from api.policies import files, promotion
from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.policies.environments import on_test_keys
from api.policies.testing import PolicyTestsFailed
from api.policies.validation import with_values
from core.access import Audience, Pages, active_membership, actor, may, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.htmx import page_or_block, see_other
from core.throttle import per_person
from core.views import ViewResponse
from portal.customer.policies.comparing import EFFECT_OVER, MOST_CHANGES, effect_of, in_force, in_words
from portal.customer.policies.forms import LISTS, NUMBERS, SWITCHES, PoliciesForm
from portal.customer.team import members

bp = Pages("policies", __name__, url_prefix="/policies")


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    version, document = policies.current(active_membership().organization_id)
    return _page(PoliciesForm.of(version, document))


@bp.post("/effect")
@per_person(MOST_CHANGES)
@open_to(Audience.VIEWER, while_inactive=True)
def effect() -> ViewResponse:
    """What the form would have changed; keeps nothing."""
    form = PoliciesForm()
    if form.validate():
        try:
            return _effect_page(form)
        except InvalidRequest as refused:
            form.blame(refused.errors)
    return _page(form, status=422)


@bp.post("")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def update() -> ViewResponse:
    """Keeps what was looked at; a form that was changed since is shown with its effect anew."""
    form = PoliciesForm()
    if form.validate():
        try:
            if request.form.get("seen") not in {None, _seen(form)}:
                return _effect_page(form, is_stale=True)
            with transaction():
                version = policies.change_many(
                    active_membership().organization_id,
                    form.values(),
                    expected_version=form.version.data,
                    by=actor(),
                    now=utc_now(),
                )
        except InvalidRequest as refused:
            form.blame(refused.errors)
        except (policies.PolicyChanged, policies.ReviewRequired, PolicyTestsFailed) as refused:
            form.form_errors.append(f"{refused.title}. {refused.detail}")
            return _page(form, status=409)
        else:
            flash(f"Changes published as version {version}. They apply to all checks within a second.")
            return see_other("/policies")
    return _page(form, status=422)


@bp.get("/versions")
@open_to(Audience.VIEWER)
def versions() -> ViewResponse:
    organization_id = active_membership().organization_id
    found, on_test = policies.all_versions(organization_id), on_test_keys(organization_id)
    authors = {one.created_by_id for one in found if one.created_by_id}
    names = members.names_of(organization_id, authors)
    lines = [
        (one, _author(one, names), in_words(before.document, one.document) if before else [], same)
        for one, before, same in zip(found, _live_before_each(found), _same_before_each(found), strict=True)
    ]
    return render_template(
        "portal/customer/policies/versions.html",
        lines=lines,
        active=policies.current(organization_id)[0],
        on_test=on_test.version if on_test else None,
        may_change=may(Audience.DEVELOPER),
    )


@bp.post("/versions/<int(max=2147483647):version>/restore")
@per_person(MOST_CHANGES)
@open_to(Audience.DEVELOPER, fresh=True)
def restore(version: int) -> ViewResponse:
    """Where policies need a review, the old version comes back as a draft."""
    organization_id = active_membership().organization_id
    with transaction():
        if policies.needs_review(organization_id):
            draft = drafts.create_from_version(organization_id, version, by=actor(), now=utc_now())
            return see_other(f"/policies/drafts/{draft.id}")
        new = policies.restore(organization_id, version, by=actor(), now=utc_now())
    flash(f"Version {version} restored as version {new}.")
    return see_other("/policies/versions")


def _same_before_each(found: Sequence[policies.PolicyRevision]) -> list[int | None]:
    """Which earlier version each has the content of, as one that was restored has; newest first."""
    newest_with: dict[bytes, int] = {}
    same: list[int | None] = []
    for one in reversed(found):
        content = msgspec.json.encode(one.document)
        same.append(newest_with.get(content))
        newest_with[content] = one.version
    return same[::-1]


def _live_before_each(found: Sequence[policies.PolicyRevision]) -> list[policies.PolicyRevision | None]:
    """What each was written in place of, newest first: a version for test keys alone changes nothing for live ones."""
    live: policies.PolicyRevision | None = None
    before: list[policies.PolicyRevision | None] = []
    for one in reversed(found):
        before.append(live)
        live = live if one.is_test_only else one
    return before[::-1]


def _author(one: policies.PolicyRevision, names: dict[UUID, str]) -> str | None:
    return names.get(one.created_by_id) if one.created_by_id else None


def _effect_page(form: PoliciesForm, *, is_stale: bool = False) -> ViewResponse:
    """Raises InvalidRequest."""
    active = in_force()
    wanted = with_values(active, form.values(), path_of=str)
    return _page(
        form,
        differences=in_words(active, wanted),
        effect=effect_of(active, wanted),
        seen=_seen(form),
        is_stale=is_stale,
        status=409 if is_stale else 200,
    )


def _seen(form: PoliciesForm) -> str:
    """Stands for the values whose effect was looked at."""
    return sha256(msgspec.json.encode(form.values(), order="sorted")).hexdigest()


def _page(form: PoliciesForm, *, status: int = 200, **found: Any) -> ViewResponse:
    organization_id = active_membership().organization_id
    version, document = policies.current(organization_id)
    now = utc_now()
    return page_or_block(
        "portal/customer/policies/index.html",
        "policies",
        status=status,
        form=form,
        version=version,
        document=document,
        switches=SWITCHES,
        numbers=NUMBERS,
        lists=LISTS,
        blocked=statistics.blocked_by_policy(organization_id, since=now - EFFECT_OVER, to=now),
        trials=trials.counts_of(organization_id, promotion.trials_since(organization_id), since=now - EFFECT_OVER),
        needs_review=policies.needs_review(organization_id),
        on_test=on_test_keys(organization_id),
        drift=files.find_drift(organization_id),
        may_change=may(Audience.DEVELOPER),
        **found,
    )
