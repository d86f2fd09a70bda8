"""The forms of accepting."""

from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from core.forms import Form, OneLine, stripped
from portal.customer.people.forms import email_field, name_field


class AcceptForm(Form):
    """The boxes for the documents are drawn by the page, one each, beside the text they agree to."""

    name = name_field("Full name", render_kw={"autocomplete": "name"})
    title = StringField(
        "Job title",
        filters=[stripped],
        validators=[DataRequired("Enter your job title."), Length(max=200), OneLine()],
        render_kw={"autocomplete": "organization-title"},
    )
    lawful_use = BooleanField(
        "Lawful use", validators=[DataRequired("Confirm that you will use the service lawfully.")]
    )
    pilot_limits = BooleanField(
        "Limits of a pilot", validators=[DataRequired("Confirm that you know the limits of a pilot.")]
    )
    authority = BooleanField(
        "Authority",
        validators=[
            DataRequired(
                "Confirm that you are authorized to sign for the organization, or send a link to someone who is."
            )
        ],
    )

    @property
    def acknowledgements(self) -> tuple[BooleanField, ...]:
        """In the order of their sentences."""
        return (self.lawful_use, self.pilot_limits)


class DelegateForm(Form):
    email = email_field("Email address", missing="Enter an email address.")


class ResponseForm(Form):
    reason = TextAreaField(
        "Reason or question", filters=[stripped], validators=[Length(max=5000)], render_kw={"rows": 3}
    )
