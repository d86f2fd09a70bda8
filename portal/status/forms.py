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
    Impact.NONE.value: "None: no customer impact",
    Impact.MINOR.value: "Minor: slower, or a small part affected",
    Impact.MAJOR.value: "Major: an important part does not work",
    Impact.CRITICAL.value: "Critical: checks fail, or data is at risk",
}


class NoGap:
    """Refuses a template whose gaps were left open."""

    def __call__(self, _form: Any, field: Any) -> None:
        if GAP in (field.data or ""):
            raise ValidationError(f"Fill in every placeholder {GAP}, or remove its line.")


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
        description="Describe what customers notice, not the cause.",
        validators=[DataRequired("Enter a title."), Length(max=120), OneLine()],
    )


def _moment(label: str, description: str = "") -> Any:
    return DateTimeLocalField(
        f"{label} (UTC)",
        description=description,
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[DataRequired("Enter a date and time.")],
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
    return WholeNumberField("", validators=[InputRequired("Reload this page."), NumberRange(1, 2**31 - 1)])


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
    began_at = _moment("Started at", "When the problem started, as far as you know.")
    body = _words(
        "First notice",
        required="Enter what is known.",
        description="Describe only what is confirmed. Do not speculate about the cause.",
    )
    is_public = BooleanField("Publish now and email subscribers", default=True)


class UpdateForm(_OfComponents):
    version = _version()
    status = SelectField(
        "Status",
        choices={one.value: words for one, words in INCIDENT_LABELS.items() if one is not IncidentStatus.POSTMORTEM},
    )
    impact = SelectField("Impact", choices=_IMPACTS)
    body = _words("Update", required="Enter an update.")


class VersionForm(Form):
    version = _version()


class TickForm(Form):
    note = StringField("Note", filters=[stripped], validators=[Optional(), Length(max=500), OneLine()])


class ReviewForm(Form):
    what_happened = _words(FIELDS["what_happened"], required="Describe what happened and when.", rows=4)
    impact = _words(FIELDS["impact"], required="Describe who was affected and how.", rows=3)
    root_cause = _words(FIELDS["root_cause"], required="Describe the cause.", rows=3)
    prevention = _words(FIELDS["prevention"], required="Describe how you will prevent it from happening again.", rows=3)
    actions = _words(FIELDS["actions"], required="List the actions, owners and due dates.", rows=3)
    lessons = _words(FIELDS["lessons"], required="Describe what you learned.", rows=3)
    explanation = _words(FIELDS["explanation"], required="Enter an explanation for customers.", rows=5)


class MaintenanceForm(Form):
    number = _number()
    title = _title()
    components = ChecksField(
        "Components",
        choices={one.value: name for one, name in NAMES.items()},
        validators=[DataRequired("Choose at least one.")],
    )
    starts_at = _moment("Starts at")
    ends_at = _moment("Ends at")
    body = _words("Announcement", required="Describe the work and what customers will notice.", rows=4)


class MaintenanceMoveForm(Form):
    version = _version()
    body = _words("Update", required="Enter an update.", rows=3)


class SubscribeForm(Form):
    email = StringField(
        "Email address",
        filters=[stripped],
        validators=[DataRequired("Enter your email address."), EmailAddress()],
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
    from_at = _moment("Affected data from", "Figures for each organization are counted in this period.")
    until_at = _moment("Affected data until")
    nature = _words("Nature of the breach", required="Describe what is known so far.", rows=3)
    people = _fact("Categories of people", "For example, the customer's staff, or people its decisions are about.")
    records = _fact("Categories of records", "For example, decisions, API keys, members' names and addresses.")
    contact = _words("Contact for more information", required="Enter a name and an email address.", rows=2)
    consequences = _fact("Likely consequences", "")
    measures = _fact("Measures taken or proposed", "Include measures against possible harm.")

    @property
    def facts(self) -> dict[str, str]:
        names = ("nature", "people", "records", "contact", "consequences", "measures")
        return {name: self[name].data or "" for name in names}

    def missing(self, saved: Any) -> list[str]:
        """The details of Article 33(3) that were saved as not known yet."""
        return [self[name].label.text.lower() for name in self.facts if not getattr(saved, name)]


class BreachForm(BreachFactsForm):
    kind = SelectField(
        "Type",
        choices={"drill": "Drill (only operators get emails)", "real": "Real breach (customers are notified)"},
    )
    discovered_at = _moment("Discovered at", "The 24-hour deadline starts at this time.")


class BreachSaveForm(BreachFactsForm):
    version = _version()


class AddForm(Form):
    """One organization, or `every` one with decisions in the time concerned; never all of them for want of a word."""

    slug = StringField("Organization slug", filters=[stripped], validators=[Length(max=63), OneLine()])
    every = BooleanField("")

    def validate(self, extra_validators: Any = None) -> bool:
        return super().validate(extra_validators) and bool(self.slug.data) is not bool(self.every.data)
