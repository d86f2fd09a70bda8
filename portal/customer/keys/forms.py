"""The forms of the keys page."""

from datetime import timedelta

from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from api.keys.scopes import DEFAULT_SCOPES, MEANING, Scope
from api.keys.token import KeyEnvironment
from core.forms import ChecksField, Form, OneLine, WholeNumberField, stripped

LIVES = {"": None, "30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365)}
OVERLAPS = {
    "0": ("None: the old key stops at once", timedelta(0)),
    "1": ("1 hour", timedelta(hours=1)),
    "24": ("24 hours (usual)", timedelta(hours=24)),
    "72": ("3 days", timedelta(days=3)),
    "168": ("7 days", timedelta(days=7)),
}


class KeyForm(Form):
    name = StringField(
        "Name",
        filters=[stripped],
        validators=[DataRequired("Give the key a name."), Length(max=255), OneLine()],
        description="What uses it, such as: Production, billing service.",
    )
    environment = SelectField(
        "Environment",
        choices={KeyEnvironment.TEST.value: "Test", KeyEnvironment.LIVE.value: "Live"},
        description="Test decisions are marked as such in the log. Both follow the same policies.",
    )
    scopes = ChecksField(
        "What it may do",
        choices={scope.value: f"{scope.value}: {MEANING[scope]}" for scope in Scope},
        default=[scope.value for scope in DEFAULT_SCOPES],
        validators=[InputRequired("Choose at least one.")],
    )
    life = SelectField(
        "Expires",
        choices={"": "Never", "30": "After 30 days", "90": "After 90 days", "365": "After a year"},
    )
    rate_limit = WholeNumberField(
        "Requests in 60 seconds",
        validators=[Optional(), NumberRange(1, 1_000_000, "Enter a number from 1.")],
        description="Empty: what your plan allows.",
    )
    allowed_networks = TextAreaField(
        "Only from these addresses",
        filters=[stripped],
        validators=[Length(max=4000)],
        description="One address or network a line, such as 203.0.113.0/24. Empty: from anywhere.",
        render_kw={"rows": 3},
    )

    def networks(self) -> tuple[str, ...]:
        return tuple((self.allowed_networks.data or "").split())


class RotateForm(Form):
    overlap = SelectField(
        "How long the old key goes on working",
        choices={hours: words for hours, (words, _) in OVERLAPS.items()},
        default="24",
    )


class RevokeForm(Form):
    typed = StringField(
        "Type the key's name to confirm", filters=[stripped], validators=[DataRequired("Type the name.")]
    )
    reason = StringField(
        "Reason",
        filters=[stripped],
        validators=[Length(max=300), OneLine()],
        description="For the audit trail, such as: laptop lost.",
    )


class LeakForm(Form):
    secret = StringField(
        "The key",
        filters=[stripped],
        validators=[DataRequired("Paste the key."), Length(max=300)],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    place = StringField("Where you found it", filters=[stripped], validators=[Length(max=500), OneLine()])
