"""The forms of the status page and of the incident console. Their times are in UTC."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from wtforms import BooleanField, DateTimeLocalField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from core.forms import ChecksField, EmailAddress, Form, OneLine, WholeNumberField, stripped
from core.ids import new_uuid
from portal.paging import parse_uuid
from portal.status.models import States
from portal.status.reviews import FIELDS
from portal.status.states import (
    INCIDENT_LABELS,
    NAMES,
    STATE_LABELS,
    Component,
    ComponentState,
    Impact,
    IncidentStatus,
)
from portal.status.wordings import GAP

_STATES = {
    "": "Not affected",
    **{state.value: words for state, words in STATE_LABELS.items() if state is not ComponentState.UNDER_MAINTENANCE},
}
_IMPACTS = {
    Impact.NONE.value: "None: nothing is broken",
    Impact.MINOR.value: "Minor: slower, or a small part",
    Impact.MAJOR.value: "Major: an important part is broken",
    Impact.CRITICAL.value: "Critical: checks fail, or data is in danger",
}


class NoGap:
    """Refuses a template whose gaps were left open."""

    def __call__(self, _form: Any, field: Any) -> None:
        if GAP in (field.data or ""):
            raise ValidationError(f"Fill in every gap that is marked {GAP}, or remove its line.")


def _words(label: str, *, required: str, rows: int = 6, most: int = 5000, description: str = "") -> Any:
    return TextAreaField(
        label,
        description=description,
        filters=[stripped],
        validators=[DataRequired(required), Length(max=most), NoGap()],
        render_kw={"rows": rows},
    )


def _title() -> Any:
    return StringField(
        "Title",
        filters=[stripped],
        description="What customers notice, not what caused it.",
        validators=[DataRequired("Give it a title."), Length(max=120), OneLine()],
    )


def _moment(label: str, description: str = "") -> Any:
    return DateTimeLocalField(
        f"{label} (UTC)",
        description=description,
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[DataRequired("Choose a day and a time.")],
    )


def in_utc(moment: datetime) -> datetime:
    """What the field holds has no zone; the label says which it is."""
    return moment.replace(tzinfo=UTC)


def _number() -> Any:
    """The id of what the form makes, so that sending it twice makes it once."""
    return HiddenField(default=lambda: str(new_uuid()))


def id_of(field: Any) -> UUID:
    return parse_uuid(field.data) or new_uuid()


def _version() -> Any:
    return WholeNumberField("", validators=[InputRequired("Load the page again."), NumberRange(1, 2**31 - 1)])


class _OfComponents(Form):
    """A state for each component."""

    check_api = SelectField(NAMES[Component.CHECK_API], choices=_STATES, default="")
    management_api = SelectField(NAMES[Component.MANAGEMENT_API], choices=_STATES, default="")
    decision_log = SelectField(NAMES[Component.DECISION_LOG], choices=_STATES, default="")
    portal = SelectField(NAMES[Component.PORTAL], choices=_STATES, default="")
    messages = SelectField(NAMES[Component.MESSAGES], choices=_STATES, default="")

    @property
    def states(self) -> States:
        chosen = {component: self[component.value].data for component in Component}
        return {component: ComponentState(state) for component, state in chosen.items() if state}

    @property
    def component_fields(self) -> list[Any]:
        return [self[component.value] for component in Component]


class IncidentForm(_OfComponents):
    number = _number()
    title = _title()
    impact = SelectField("Impact", choices=_IMPACTS, default=Impact.MINOR.value)
    began_at = _moment("Began at", "When the trouble began, as far as you know.")
    body = _words("First notice", required="Say what is known.", description="Say what is confirmed; guess no cause.")
    is_public = BooleanField("Publish it now, and mail it to subscribers", default=True)


class UpdateForm(_OfComponents):
    version = _version()
    status = SelectField(
        "Status",
        choices={one.value: words for one, words in INCIDENT_LABELS.items() if one is not IncidentStatus.POSTMORTEM},
    )
    impact = SelectField("Impact", choices=_IMPACTS)
    body = _words("Update", required="Say what is known now.")


class VersionForm(Form):
    version = _version()


class TickForm(Form):
    note = StringField("Note", filters=[stripped], validators=[Optional(), Length(max=500), OneLine()])


class ReviewForm(Form):
    what_happened = _words(FIELDS["what_happened"], required="Say what happened, and when.", rows=4)
    impact = _words(FIELDS["impact"], required="Say whom it hit, and how.", rows=3)
    root_cause = _words(FIELDS["root_cause"], required="Say what the cause was.", rows=3)
    prevention = _words(FIELDS["prevention"], required="Say what keeps it from happening again.", rows=3)
    actions = _words(FIELDS["actions"], required="Say who does what by when.", rows=3)
    lessons = _words(FIELDS["lessons"], required="Say what was learned.", rows=3)
    explanation = _words(FIELDS["explanation"], required="Explain it to customers.", rows=5)


class MaintenanceForm(Form):
    number = _number()
    title = _title()
    components = ChecksField(
        "Components",
        choices={one.value: name for one, name in NAMES.items()},
        validators=[DataRequired("Choose at least one.")],
    )
    starts_at = _moment("Begins at")
    ends_at = _moment("Ends at")
    body = _words("Announcement", required="Say what will be done, and what customers notice.", rows=4)


class MaintenanceMoveForm(Form):
    version = _version()
    body = _words("What to say", required="Say what is going on.", rows=3)


class SubscribeForm(Form):
    email = StringField(
        "E-mail address",
        filters=[stripped],
        validators=[DataRequired("Enter your e-mail address."), EmailAddress()],
        render_kw={"type": "email", "autocomplete": "email"},
    )


def _fact(label: str, description: str) -> Any:
    """May be empty: what is not known yet follows in a later phase."""
    return TextAreaField(
        label,
        description=description,
        filters=[stripped],
        validators=[Length(max=5000)],
        render_kw={"rows": 3},
    )


class BreachFactsForm(Form):
    from_at = _moment("Data concerned from", "Numbers are counted in this time for each organization.")
    until_at = _moment("Data concerned until")
    nature = _words("Nature of the breach", required="Say what happened, as far as it is known.", rows=3)
    people = _fact("Categories of people", "Such as the customer's staff, or people whom its decisions are about.")
    records = _fact("Categories of records", "Such as decisions, keys, members' names and addresses.")
    contact = _words("Who can say more", required="Name somebody, with an address.", rows=2)
    consequences = _fact("Likely consequences", "")
    measures = _fact("Measures taken or proposed", "Also against possible harm.")

    @property
    def facts(self) -> dict[str, str]:
        names = ("nature", "people", "records", "contact", "consequences", "measures")
        return {name: self[name].data or "" for name in names}


class BreachForm(BreachFactsForm):
    kind = SelectField(
        "Drill or real",
        choices={"drill": "A drill: only operators get mail", "real": "Real: customers are told"},
    )
    discovered_at = _moment("Discovered at", "The 24 hours begin here.")


class BreachSaveForm(BreachFactsForm):
    version = _version()


class AddForm(Form):
    """One organization, or `every` one with decisions in the time concerned; never all of them for want of a word."""

    slug = StringField("Slug of the organization", filters=[stripped], validators=[Length(max=63), OneLine()])
    every = BooleanField("")

    def validate(self, extra_validators: Any = None) -> bool:
        return super().validate(extra_validators) and bool(self.slug.data) is not bool(self.every.data)
