"""The reference of the API: one page for each endpoint, and lists of facts, policies and problems."""

import msgspec

from api.keys.scopes import MEANING
from api.policies.document import POLICY_KEYS, PolicyDocument, describe
from api.v1.endpoint import Endpoint, declared_endpoints
from api.v1.reference.examples import example_of_answer
from api.v1.reference.fields import fields_of
from api.v1.reference.openapi import header_parameters, path_parameters, refusals_of
from api.v1.reference.problems import endpoints_that_answer, problems_of_the_api
from api.vocabulary import ALIASES, BUILT_IN, MAX_TOKEN_LENGTH
from core.access import Audience, Pages, current_user_or_none, may, open_to
from core.current import settings
from core.errors import JSON_CONTENT_TYPE, NotFound, all_refusals
from core.throttle import per_address
from core.views import ViewResponse
from portal.docs import contents, trial
from portal.docs.pages import docs_page
from portal.docs.samples import samples_of

bp = Pages("reference_pages", __name__, url_prefix="/docs")


@bp.get("/api")
@open_to(Audience.ANYBODY)
def introduction() -> ViewResponse:
    return docs_page("reference", path=contents.REFERENCE, scopes=MEANING)


@bp.get("/api/<slug>")
@open_to(Audience.ANYBODY)
def endpoint(slug: str) -> ViewResponse:
    found = _endpoint(slug)
    return _endpoint_page(found, form=trial.filled(found))


@bp.post("/api/<slug>")
@per_address("60 per minute")
@open_to(Audience.DEVELOPER)
def try_endpoint(slug: str) -> ViewResponse:
    """Sends the request of the page with the reader's own test key."""
    found = _endpoint(slug)
    if not trial.is_open(found):
        raise NotFound("This endpoint needs no key. Call it from your browser.")
    form = trial.sent(found)
    result = trial.send_form(found, form)
    page = _endpoint_page(found, form=form, result=result)
    return page if result else (page, 422)


@bp.get("/facts")
@open_to(Audience.ANYBODY)
def facts() -> ViewResponse:
    spellings = {name: [alias for alias, meant in ALIASES.items() if meant == name] for name in BUILT_IN}
    return docs_page(
        "facts",
        path=contents.FACTS,
        facts=BUILT_IN.values(),
        spellings=spellings,
        most_token_characters=MAX_TOKEN_LENGTH,
    )


@bp.get("/policy-settings")
@open_to(Audience.ANYBODY)
def policy_settings() -> ViewResponse:
    defaults = PolicyDocument()
    policies = [(key, *describe(key), msgspec.json.encode(getattr(defaults, key)).decode()) for key in POLICY_KEYS]
    return docs_page("policy_settings", path=contents.POLICY_SETTINGS, policies=policies)


@bp.get("/problems")
@open_to(Audience.ANYBODY)
def problems() -> ViewResponse:
    return docs_page("problems", path=contents.PROBLEMS, problems=problems_of_the_api())


@bp.get("/problems/<code>")
@open_to(Audience.ANYBODY)
def problem(code: str) -> ViewResponse:
    refusal = next((one for one in all_refusals() if one.code == code), None)
    if refusal is None:
        raise NotFound("Problem not found. All problems are listed at /docs/problems.")
    return docs_page("problem", path=contents.PROBLEMS, problem=refusal, endpoints=endpoints_that_answer(refusal))


def _endpoint(slug: str) -> Endpoint:
    found = next((one for one in declared_endpoints() if one.slug == slug), None)
    if found is None:
        raise NotFound("Endpoint not found. All endpoints are listed at /docs/api.")
    return found


def _endpoint_page(found: Endpoint, *, form: trial.TrialForm, result: trial.Trial | None = None) -> str:
    is_json = JSON_CONTENT_TYPE in found.media_types
    shapes = (("Query parameters", found.query), ("Body", found.body), ("Response", found.answer))
    return docs_page(
        "endpoint",
        path=contents.path_of(found),
        endpoint=found,
        path_parameters=path_parameters(found),
        headers=header_parameters(found),
        tables=[(title, fields_of(shape)) for title, shape in shapes if shape is not None],
        refusals=refusals_of(found),
        samples=samples_of(found, base_url=settings().base_url),
        response=_as_json(example_of_answer(found)) if is_json else None,
        form=form,
        result=result,
        may_try=trial.is_open(found) and _is_developer(),
    )


def _as_json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _is_developer() -> bool:
    who = current_user_or_none()
    return who is not None and who.membership is not None and may(Audience.DEVELOPER)
