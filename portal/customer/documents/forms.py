"""The forms of accepting."""

from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from core.forms import Form, OneLine, stripped
from portal.customer.people.forms import email_field, name_field


class AcceptForm(Form):
    """The boxes for the documents are drawn by the page, one each, beside the text they agree to."""

    name = name_field("Full name", render_kw={"autocomplete": "name"})
    title = StringField(
        "Title or function",
        filters=[stripped],
        validators=[DataRequired("Enter your title or function."), Length(max=200), OneLine()],
        render_kw={"autocomplete": "organization-title"},
    )
    authority = BooleanField(
        "Authority",
        validators=[DataRequired("Confirm that you may sign for the organization, or send the link to who may.")],
    )


class DelegateForm(Form):
    email = email_field("Their e-mail address")


class ResponseForm(Form):
    reason = TextAreaField(
        "Your reason or question", filters=[stripped], validators=[Length(max=5000)], render_kw={"rows": 3}
    )
