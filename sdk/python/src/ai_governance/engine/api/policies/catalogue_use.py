# Made from api/policies/catalogue_use.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""How a policy uses the model catalogue, and the cause that a caller contradicts it. Imports no database."""

from collections.abc import Mapping

from ai_governance.engine.api.model_catalogue.derivation import DERIVED_FACTS, Completion, Derivation, OnContradiction
from ai_governance.engine.api.model_catalogue.entries import CatalogueVersion
from ai_governance.engine.api.policies.contribution import HIGHEST_SCORE, Contribution
from ai_governance.engine.api.policies.document import PolicyDocument
from ai_governance.engine.api.vocabulary import BUILT_IN, Fact


def completion_of(document: PolicyDocument, facts: Mapping[str, Fact]) -> Completion | None:
    """A fact of an organization's own that has the name of a derived one stays its own."""
    if document.model_catalogue is CatalogueVersion.OFF:
        return None
    derived = [name for name in DERIVED_FACTS if facts[name] is BUILT_IN[name]]
    return Completion(document.model_catalogue, document.own_models, document.on_contradiction, derived=derived)


def contradiction_causes(document: PolicyDocument, derivation: Derivation) -> list[Contribution]:
    """What a contradiction adds to a decision: nothing, unless it blocks."""
    if not derivation.contradictions or document.on_contradiction is not OnContradiction.BLOCK:
        return []
    names = ", ".join(one.fact for one in derivation.contradictions)
    blocking = Contribution(
        code="catalogue_contradiction",
        policy="on_contradiction",
        points=HIGHEST_SCORE,
        blocks=True,
        message=f"What was sent contradicts what is known of the model: {names}.",
        fix="Send the facts of the model that is used, or add it to own_models.",
    )
    return [blocking]
