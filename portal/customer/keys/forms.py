"""The forms of the keys page."""

from datetime import timedelta

from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from api.keys.scopes import DEFAULT_SCOPES, MEANING, Scope
from api.keys.token import KeyEnvironment
from core.forms import ChecksField, Form, OneLine, WholeNumberField, stripped

LIVES = {"": None, "30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365)}
OVERLAPS = {
    "0": ("0 hours (revoke immediately)", timedelta(0)),
    "1": ("1 hour", timedelta(hours=1)),
    "24": ("24 hours (recommended)", timedelta(hours=24)),
    "72": ("3 days", timedelta(days=3)),
    "168": ("7 days", timedelta(days=7)),
}


class KeyForm(Form):
    name = StringField(
        "Name",
        filters=[stripped],
        validators=[DataRequired("Enter a name."), Length(max=255), OneLine()],
        description="For example: Billing service (production).",
    )
    environment = SelectField(
        "Environment",
        choices={KeyEnvironment.TEST.value: "Test", KeyEnvironment.LIVE.value: "Live"},
        description=(
            "Test decisions are marked in the decision log. Both environments use the same policies, unless a draft is "
            "published to test keys only."
        ),
    )
    scopes = ChecksField(
        "Scopes",
        choices={scope.value: f"{scope.value}: {MEANING[scope]}" for scope in Scope},
        default=[scope.value for scope in DEFAULT_SCOPES],
        validators=[InputRequired("Choose at least one scope.")],
    )
    life = SelectField(
        "Expires",
        choices={"": "Never", "30": "After 30 days", "90": "After 90 days", "365": "After 1 year"},
    )
    rate_limit = WholeNumberField(
        "Requests per minute",
        validators=[Optional(), NumberRange(1, 1_000_000, "Enter a whole number from 1 to 1,000,000.")],
        description="Leave empty to use the limit of your plan.",
    )
    allowed_networks = TextAreaField(
        "Allowed IP addresses",
        filters=[stripped],
        validators=[Length(max=4000)],
        description="One address or network per line, such as 203.0.113.0/24. Leave empty to allow any.",
        render_kw={"rows": 3},
    )

    def networks(self) -> tuple[str, ...]:
        return tuple((self.allowed_networks.data or "").split())


class RotateForm(Form):
    overlap = SelectField(
        "Keep the old key active for",
        choices={hours: words for hours, (words, _) in OVERLAPS.items()},
        default="24",
    )


class RevokeForm(Form):
    typed = StringField(
        "Type the key's name to confirm", filters=[stripped], validators=[DataRequired("Type the name of the key.")]
    )
    reason = StringField(
        "Reason",
        filters=[stripped],
        validators=[Length(max=300), OneLine()],
        description="Recorded in the audit log. For example: laptop lost.",
    )


class DeleteForm(Form):
    typed = StringField(
        "Type the key's name to confirm", filters=[stripped], validators=[DataRequired("Type the name of the key.")]
    )


class LeakForm(Form):
    secret = StringField(
        "API key",
        filters=[stripped],
        validators=[DataRequired("Paste the API key."), Length(max=300)],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    place = StringField("Where you found it", filters=[stripped], validators=[Length(max=500), OneLine()])
