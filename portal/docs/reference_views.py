"""The reference of the API: one page for each endpoint, and lists of facts, policies and problems."""

import msgspec

from api.keys.scopes import MEANING
from api.policies.document import POLICY_KEYS, PolicyDocument, describe
from api.v1.endpoint import declared_endpoints
from api.v1.reference.examples import PATH_PARTS, example_of
from api.v1.reference.fields import fields_of
from api.v1.reference.openapi import refusals_of
from api.v1.reference.problems import endpoints_that_answer, problems_of_the_api
from api.vocabulary import ALIASES, BUILT_IN
from core.access import Audience, Pages, open_to
from core.current import settings
from core.errors import JSON_CONTENT_TYPE, NotFound, all_refusals
from core.views import ViewResponse
from portal.docs import contents
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
    found = next((one for one in declared_endpoints() if one.slug == slug), None)
    if found is None:
        raise NotFound("Endpoint not found. All endpoints are listed at /docs/api.")
    is_json = JSON_CONTENT_TYPE in found.media_types
    return docs_page(
        "endpoint",
        path=contents.path_of(found),
        endpoint=found,
        parts=[(name, part) for name, part in PATH_PARTS.items() if f"{{{name}}}" in found.path],
        tables=[
            (title, fields_of(shape))
            for title, shape in (("Query parameters", found.query), ("Body", found.body), ("Response", found.answer))
            if shape is not None
        ],
        refusals=refusals_of(found),
        samples=samples_of(found, base_url=settings().base_url),
        response=msgspec.json.format(msgspec.json.encode(example_of(found.answer)), indent=2).decode()
        if is_json
        else None,
    )


@bp.get("/facts")
@open_to(Audience.ANYBODY)
def facts() -> ViewResponse:
    spellings = {name: [alias for alias, meant in ALIASES.items() if meant == name] for name in BUILT_IN}
    return docs_page("facts", path=contents.FACTS, facts=BUILT_IN.values(), spellings=spellings)


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
