"""What an operator found."""

from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from core.forms import Form, stripped
from portal.customer.suspected_breaches.states import VERDICT_LABELS, Verdict


class AssessForm(Form):
    verdict = SelectField(
        "Result",
        choices={
            "": "Choose a result",
            Verdict.BREACH.value: f"{VERDICT_LABELS[Verdict.BREACH]}: record a breach",
            Verdict.CUSTOMER_SIDE.value: "Security problem on the customer's side",
            Verdict.NO_BREACH.value: VERDICT_LABELS[Verdict.NO_BREACH],
        },
        default="",
        validators=[InputRequired("Choose a result.")],
    )
    into = SelectField("Breach record", validate_choice=False)
    words = TextAreaField(
        "What you found",
        description="Sent to the customer as a reply to their request.",
        filters=[stripped],
        validators=[DataRequired("Enter what you found."), Length(max=8_000)],
        render_kw={"rows": 4},
    )
