"""What an operator says of an audit."""

from wtforms import DateField, TextAreaField
from wtforms.validators import DataRequired, Length

from core.forms import Form, stripped


class WordsForm(Form):
    words = TextAreaField(
        "Message",
        description="The customer reads it.",
        filters=[stripped],
        validators=[DataRequired("Enter a message."), Length(max=5000)],
        render_kw={"rows": 4},
    )


class ConfirmForm(WordsForm):
    """With the days that hold."""

    starts_on = DateField("First day", validators=[DataRequired("Choose the first day.")])
    ends_on = DateField("Last day", validators=[DataRequired("Choose the last day.")])
