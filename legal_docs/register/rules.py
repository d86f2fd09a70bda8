"""What an entry of the register must say. Knows no database."""

from http import HTTPStatus

from core.errors import AppError, FieldProblem
from legal_docs.documents.drafts import Entry
from legal_docs.documents.emails import ADVICE, is_printable

_EEA = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
EEA = frozenset(_EEA.split())


class EntryIncomplete(AppError):
    status, code, title = (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "register_entry_incomplete",
        "The register entry is incomplete",
    )
    advice = "Complete the fields named under errors. Customers must know every company in the chain."


_OPTIONAL = frozenset({"first_mechanism", "second_mechanism", "certificates"})


def faults_of(entry: Entry) -> tuple[FieldProblem, ...]:
    """Customers must know the identity of every company; one outside the EEA needs two mechanisms of transfer."""
    required = [name for name in entry.__struct_fields__ if name not in _OPTIONAL]
    faults = [FieldProblem(name, "missing", "Enter a value.") for name in required if not getattr(entry, name).strip()]
    if entry.country and not (len(entry.country) == 2 and entry.country.isascii() and entry.country.isupper()):  # noqa: PLR2004
        faults.append(FieldProblem("country", "invalid_value", "Enter two capital letters, such as IE."))
    if bool(entry.first_mechanism.strip()) != bool(entry.second_mechanism.strip()):
        faults.append(FieldProblem("second_mechanism", "missing", "Enter two transfer mechanisms, or none."))
    if entry.country not in EEA and not entry.first_mechanism.strip():
        faults.append(
            FieldProblem(
                "first_mechanism", "missing", "A transfer outside the European Economic Area needs two mechanisms."
            )
        )
    faults += [
        FieldProblem(name, "not_printable", ADVICE)
        for name in entry.__struct_fields__
        if not is_printable(getattr(entry, name))
    ]
    return tuple(faults)


def refuse_incomplete(entry: Entry) -> None:
    """Raises EntryIncomplete, naming each fault."""
    faults = faults_of(entry)
    if faults:
        named = ", ".join(sorted({fault.path for fault in faults}))
        raise EntryIncomplete(f"Complete {named} of {entry.name or 'the entry'}.", errors=faults)
