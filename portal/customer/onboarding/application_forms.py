"""What an applicant and a reviewer write."""

from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from core.forms import Form, stripped


class AnswerForm(Form):
    body = TextAreaField(
        "Your answer",
        filters=[stripped],
        validators=[DataRequired("Enter an answer."), Length(max=5000)],
        render_kw={"rows": 5},
    )
