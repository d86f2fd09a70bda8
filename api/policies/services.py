"""Reading and changing an organization's policies. A change is a new version, with its author on the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from api.checks.content import is_content
from api.policies.document import POLICY_KEYS, PolicyDocument, describe, field_type
from api.policies.evaluator import compile_policy
from api.policies.models import PolicyVersion
from api.policies.rules import ConditionRefused, Rule, check_condition, example_context
from api.policies.vocabulary import ALIASES, BUILT_IN, FactType, variable_of
from core import audit
from core.accounts import Organization
from core.audit import SYSTEM, Actor
from core.db import db
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound, fault_of

_EXAMPLES: Mapping[FactType, Any] = {
    FactType.BOOLEAN: True,
    FactType.INTEGER: 1,
    FactType.NUMBER: 0.5,
    FactType.TOKEN: "example",
    FactType.TOKENS: ["example"],
}


class PolicyChanged(AppError):
    status, code, title = HTTPStatus.CONFLICT, "policy_changed", "The policies were changed meanwhile"
    advice = "Read the policies again and repeat the change on the version they have now."


class PolicySetting(msgspec.Struct, frozen=True):
    """One policy as it stands: its key, meaning, value and default."""

    key: str
    title: str
    description: str
    value: Any
    default: Any


class PolicySet(msgspec.Struct, frozen=True):
    """All policies of an organization at one version."""

    version: int
    policies: tuple[PolicySetting, ...]


def current(organization_id: UUID) -> tuple[int, PolicyDocument]:
    """The version in force and its document. Raises NotFound if none was ever seeded."""
    row = db.session.scalar(
        select(PolicyVersion)
        .where(PolicyVersion.organization_id == organization_id)
        .order_by(PolicyVersion.version.desc())
        .limit(1)
    )
    if row is None:
        raise NotFound("This organization has no policies yet. An operator can add them with `flask policies seed`.")
    return row.version, read_document(row.document)


def read_document(stored: Mapping[str, Any]) -> PolicyDocument:
    return msgspec.convert(stored, PolicyDocument)


def overview(organization_id: UUID) -> PolicySet:
    version, document = current(organization_id)
    defaults = PolicyDocument()
    settings = []
    for key in POLICY_KEYS:
        title, description = describe(key)
        settings.append(PolicySetting(key, title, description, getattr(document, key), getattr(defaults, key)))
    return PolicySet(version=version, policies=tuple(settings))


def change(
    organization_id: UUID,
    key: str,
    value: Any,
    *,
    by: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> int:
    """Sets one policy and gives back the new version, or the old one if nothing changed.

    Raises NotFound for an unknown key, InvalidRequest for a value that does not fit, and PolicyChanged if
    `expected_version` is no longer the one in force.
    """
    if key not in POLICY_KEYS:
        raise NotFound(f"There is no such policy. The policies are: {', '.join(POLICY_KEYS)}.")
    db.session.scalar(select(Organization.id).where(Organization.id == organization_id).with_for_update())
    version, document = current(organization_id)
    if expected_version is not None and expected_version != version:
        raise PolicyChanged
    changed = _with_value(document, key, value)
    if changed == document:
        return version
    _check_facts_and_rules(changed)
    db.session.add(
        PolicyVersion(
            organization_id=organization_id,
            version=version + 1,
            document=msgspec.to_builtins(changed),
            created_at=now,
            created_by_kind=by.kind.value,
            created_by_id=by.id,
        )
    )
    audit.write(
        organization_id,
        "policy.changed",
        by=by,
        now=now,
        subject_id=key,
        before={"version": version, "value": msgspec.to_builtins(getattr(document, key))},
        after={"version": version + 1, "value": msgspec.to_builtins(getattr(changed, key))},
    )
    return version + 1


def seed(*, now: datetime) -> int:
    """Gives version 1, the defaults, to every organization that has none; how many got it. Harmless to repeat."""
    bare = select(Organization.id).where(
        ~select(PolicyVersion).where(PolicyVersion.organization_id == Organization.id).exists()
    )
    seeded = 0
    for organization_id in db.session.scalars(bare).all():
        written = db.session.execute(
            insert(PolicyVersion)
            .values(
                organization_id=organization_id,
                version=1,
                document=msgspec.to_builtins(PolicyDocument()),
                created_at=now,
                created_by_kind=SYSTEM.kind.value,
            )
            .on_conflict_do_nothing()
            .returning(PolicyVersion.version)
        )
        if written.first() is not None:
            seeded += 1
            audit.write(organization_id, "policy.seeded", by=SYSTEM, now=now, after={"version": 1})
    return seeded


def _with_value(document: PolicyDocument, key: str, value: Any) -> PolicyDocument:
    try:
        typed = msgspec.convert(value, field_type(key))
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error, within="value"),)) from error
    return msgspec.structs.replace(document, **{key: typed})


def _check_facts_and_rules(document: PolicyDocument) -> None:
    problems = _faults_of_names(document.custom_facts)
    examples = _example_facts(document)
    for index, rule in enumerate(document.rules):
        problems += _faults_of_rule(rule, f"value[{index}]", examples)
    if len({rule.code for rule in document.rules}) < len(document.rules):
        problems.append(FieldProblem("value", "code_taken", "Give every rule a code of its own."))
    if problems:
        raise InvalidRequest(errors=tuple(problems))
    try:
        compile_policy(UUID(int=0), 0, document)
    except ConditionRefused as refused:
        raise InvalidRequest(errors=(FieldProblem("value", "condition_refused", str(refused)),)) from refused


def _faults_of_names(custom_facts: Mapping[str, FactType]) -> list[FieldProblem]:
    """Two facts whose names differ only in dots and underscores would be one variable in a condition."""
    taken = {variable_of(name) for name in (*BUILT_IN, *ALIASES, "model", "operation")}
    problems = []
    for name, kind in custom_facts.items():
        if variable_of(name) in taken:
            problems.append(
                FieldProblem(f"value.{name}", "name_taken", "A fact of this name, or nearly, exists already.")
            )
        if is_content(name, 0 if kind in {FactType.INTEGER, FactType.NUMBER} else ""):
            detail = "This name is one for content, which is never accepted; choose another."
            problems.append(FieldProblem(f"value.{name}", "content_refused", detail))
        taken.add(variable_of(name))
    return problems


def _faults_of_rule(rule: Rule, path: str, examples: Mapping[str, Any]) -> list[FieldProblem]:
    if not rule.when.conditions:
        return [FieldProblem(f"{path}.when", "no_condition", "Give at least one condition.")]
    problems = []
    for part in ("all", "any", "none"):
        for index, condition in enumerate(getattr(rule.when, part)):
            try:
                check_condition(condition, examples=examples)
            except ConditionRefused as refused:
                problems.append(FieldProblem(f"{path}.when.{part}[{index}]", "condition_refused", str(refused)))
    return problems


def _example_facts(document: PolicyDocument) -> dict[str, Any]:
    built_in = {name: fact.choices[0] if fact.choices else _EXAMPLES[fact.type] for name, fact in BUILT_IN.items()}
    custom = {name: _EXAMPLES[kind] for name, kind in document.custom_facts.items()}
    return example_context({**built_in, **custom, "model": "example", "operation": "chat"})
