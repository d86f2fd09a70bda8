"""The forms of a draft's pages. Each carries the revision of the draft that the person saw, under `version`."""

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from core.forms import Form, OneLine, stripped


class DetailsForm(Form):
    name = StringField(
        "Name",
        filters=[stripped],
        description="What this change is about, such as “No personal data to external models”.",
        validators=[DataRequired("Enter a name."), Length(max=100), OneLine()],
    )
    note = TextAreaField(
        "Note",
        filters=[stripped],
        description="The reason for the change, for the reviewers.",
        validators=[Length(max=2_000)],
        render_kw={"rows": 3},
    )
