"""Which facts a policy needs to decide well. Imports no database."""

from api.policies.compiled_rules import compile_rule
from api.policies.document import PolicyDocument, facts_of, texts_of
from api.policies.rules import RuleState
from api.vocabulary import CONTAINS_PERSONAL_DATA, IS_EXTERNAL_MODEL, variable_of


def needed_facts(document: PolicyDocument) -> list[str]:
    """Required ones, those of the switches that count, and those that rules compare."""
    needed = {one.fact for one in document.required_facts}
    if document.block_personal_data or (document.count_points_when_off and document.points_personal_data):
        needed.add(CONTAINS_PERSONAL_DATA)
    if document.block_external_models or (document.count_points_when_off and document.points_external_model):
        needed.add(IS_EXTERNAL_MODEL)
    by_variable = {variable_of(name): name for name in facts_of(document)}
    rules = (rule for rule in document.rules if rule.state is not RuleState.OFF)
    variables = {variable.lower() for rule in rules for variable in compile_rule(rule, texts_of(document)).variables}
    return sorted(needed | {by_variable[variable] for variable in variables if variable in by_variable})
