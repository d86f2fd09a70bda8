"""Where invoices go."""

from wtforms import EmailField
from wtforms.validators import Length, Optional

from core.forms import EmailAddress, Form, stripped


class BillingForm(Form):
    billing_email = EmailField(
        "E-mail address for invoices",
        filters=[stripped],
        description="Empty: they go to whoever paid.",
        validators=[Optional(), Length(max=254), EmailAddress()],
        render_kw={"autocomplete": "email"},
    )
