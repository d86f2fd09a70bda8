"""The forms of channels."""

from typing import Any

from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from core.forms import ChecksField, EmailAddress, Form, OneLine, stripped
from portal.notifications.events import EventAudience, of_audience
from portal.notifications.states import KIND_LABELS, Kind
from portal.notifications.targets import LONGEST


class AddressForm(Form):
    """Where a channel leads."""

    kind = SelectField("Type", choices={kind.value: words for kind, words in KIND_LABELS.items()})
    name = StringField(
        "Name",
        filters=[stripped],
        validators=[DataRequired("Enter a name."), Length(max=100), OneLine()],
        description="For example, On-call or Compliance team.",
    )
    target = StringField(
        "Address",
        filters=[stripped],
        validators=[DataRequired("Enter an address."), Length(max=LONGEST), OneLine()],
        description="An email address, a Slack webhook URL (https://hooks.slack.com/…) or an HTTPS URL.",
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )

    def validate_target(self, field: Any) -> None:
        if self.kind.data == Kind.MAIL:
            EmailAddress()(self, field)


class EventsForm(Form):
    """What a channel is told. `offer` says whose channel it is, and has to be called before anything else."""

    events = ChecksField("Events to send", choices=[], validators=[InputRequired("Choose at least one event.")])
    includes_test = BooleanField("Include blocked decisions from test keys")

    def offer(self, audience: EventAudience) -> None:
        self.events.choices = [(event.name, f"{event.words} ({event.name})") for event in of_audience(audience)]
        if audience is EventAudience.OPERATORS:
            del self.includes_test

    @property
    def wants_test(self) -> bool:
        return "includes_test" in self and bool(self.includes_test.data)


class ChannelForm(AddressForm, EventsForm):
    """A new channel. Its errors are told in the order of the page, which is that in which fields are made."""
