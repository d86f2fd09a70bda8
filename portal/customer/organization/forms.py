"""The organization's own forms."""

from functools import cache
from typing import Any

from babel import Locale
from wtforms import BooleanField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from core.forms import EmailAddress, ExactLine, Form, OneLine, WholeNumberField, stripped
from legal_docs import figures
from legal_docs.documents.emails import ADVICE, is_printable
from portal.customer.people.forms import name_field

SHORTEST, LONGEST = figures.SHORTEST_RETENTION_DAYS, figures.LONGEST_RETENTION_DAYS

VOLUMES = (
    "up to 10,000",
    "up to 100,000",
    "up to 1 million",
    "up to 10 million",
    "more than 10 million",
    "not known yet",
)


@cache
def countries() -> dict[str, str]:
    """ISO 3166-1 codes and English names, by name."""
    names = Locale("en").territories
    found = [(code, name) for code, name in names.items() if code.isalpha() and code not in _NO_COUNTRY]
    return dict(sorted(found, key=lambda one: one[1]))


_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "XK", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


def country_name(code: str) -> str:
    return countries().get(code, code)


class Printable:
    """What stands on the cover of the contracts has to be in letters that they are printed in."""

    def __call__(self, _form: Any, field: Any) -> None:
        if not is_printable(field.data or ""):
            raise ValidationError(ADVICE)


def _line(label: str, *, most: int = 200, **options: Any) -> Any:
    missing = f"Enter the {label[0].lower()}{label[1:]}."
    return StringField(
        label,
        filters=[stripped],
        validators=[DataRequired(missing), Length(max=most), OneLine(), Printable()],
        **options,
    )


class DetailsForm(Form):
    legal_name = _line("Legal name", render_kw={"autocomplete": "organization"})
    registration_number = _line("Registration number", most=80)
    address = _line("Address", most=400, render_kw={"autocomplete": "street-address"})
    country = SelectField(
        "Country", choices=lambda: {"": "Choose", **countries()}, validators=[DataRequired("Choose a country.")]
    )
    website = StringField(
        "Website",
        filters=[stripped, lambda value: value or None],
        validators=[
            Optional(),
            Length(max=200),
            Regexp(r"^https?://[^\s/]+\.[^\s]+$", message="Enter a URL that starts with https://."),
            Printable(),
        ],
    )
    contact_name = _line("Primary contact name")
    contact_email = StringField(
        "Primary contact email",
        filters=[stripped],
        validators=[DataRequired("Enter an email address."), EmailAddress()],
    )
    second_contact_name = StringField(
        "Secondary contact name",
        filters=[stripped, lambda value: value or None],
        validators=[Optional(), Length(max=200), OneLine(), Printable()],
    )
    second_contact_email = StringField(
        "Secondary contact email",
        filters=[stripped, lambda value: value or None],
        validators=[Optional(), EmailAddress()],
    )
    use_case = TextAreaField(
        "What does your software use AI models for?",
        filters=[stripped],
        validators=[DataRequired("Describe it in a sentence or two."), Length(max=2000), Printable()],
        render_kw={"rows": 3},
    )
    expected_checks = SelectField("Expected checks per month", choices={one: one.capitalize() for one in VOLUMES})
    is_high_risk = BooleanField("We use or provide a high-risk system as defined by the EU AI Act")


class NameForm(Form):
    name = name_field("Name", missing="Enter a name.")


class RetentionForm(Form):
    days = WholeNumberField(
        "Keep decisions for (days)",
        validators=[
            InputRequired("Enter a number of days."),
            NumberRange(SHORTEST, LONGEST, f"Enter {SHORTEST} to {LONGEST:,} days."),
        ],
    )


class ClosingForm(Form):
    typed = StringField(
        "Type the organization's name to confirm",
        filters=[stripped],
        validators=[DataRequired("Type the name of the organization.")],
    )


class EraseForm(Form):
    subject = StringField(
        "Subject pseudonym",
        filters=[stripped],
        validators=[
            DataRequired("Enter the pseudonym exactly as your software sends it."),
            Length(max=128),
            ExactLine(),
        ],
        render_kw={"autocomplete": "off"},
    )
