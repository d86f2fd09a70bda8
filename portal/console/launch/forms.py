"""What operators write on the board."""

from wtforms import RadioField, StringField
from wtforms.validators import DataRequired, Length

from core.forms import Form, OneLine, stripped


class ConfirmForm(Form):
    words = StringField("What you saw", filters=[stripped], validators=[DataRequired(), Length(max=500), OneLine()])


class DecideForm(Form):
    decision = RadioField(
        "Decision",
        choices={"go": "GO", "no_go": "NO GO"},
        validators=[DataRequired("Choose one.")],
    )
    reason = StringField(
        "Reason", filters=[stripped], validators=[DataRequired("Enter a reason."), Length(max=500), OneLine()]
    )
